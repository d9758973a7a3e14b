// Any bytes at all as a trace: the decoder stays inside of them, and the timeline made of what it finds is whole.
//
// The first byte says what the rest is. Bit 0: the JSON of a schema, else a packet. Bit 1: the packet gets a valid
// header. Bit 2: it may be open.

#include "tracer/analysis/TimelineBuilder.h"
#include "tracer/trace/PacketDecoder.h"

#include <nlohmann/json.hpp>

#include <cstdlib>
#include <string>

namespace {

using namespace tracer;

const Schema& schema() {
    static const Schema result = [] {
        Schema all = core_schema();
        EventType type;
        type.id = 200;
        type.name = "shop:order";
        type.add("small", FieldKind::Unsigned, 1).add("item", FieldKind::String, 0).add("wide", FieldKind::Signed, 8);
        type.add("list", FieldKind::Unsigned, 2, 3).add("end", FieldKind::String, 0);
        if (!all.add(type))
            abort();
        return all;
    }();
    return result;
}

void decode(std::vector<uint8_t> bytes, bool with_header, bool open) {
    if (with_header && bytes.size() >= sizeof(wire::PacketHeader)) {
        wire::PacketHeader header;
        memcpy(&header, bytes.data(), sizeof(header));
        header.magic = wire::packet_magic;
        header.stream_id = wire::event_stream_id;
        header.packet_size = bytes.size() * 8;
        header.content_size = open ? 0 : bytes.size() * 8;
        memcpy(bytes.data(), &header, sizeof(header));
    }
    auto packet = find_packet(bytes, open);
    if (!packet)
        return;
    DecodeTable table(schema());
    PacketCursor cursor(table, *packet);
    TimelineBuilder builder(schema());
    DecodedEvent event;
    uint64_t previous = packet->header.timestamp_begin;
    Time now = 0;
    size_t count = 0;
    while (cursor.next(event)) {
        if (event.begin < bytes.data() || event.begin + event.step > bytes.data() + bytes.size())
            abort();
        now += static_cast<Time>((event.timestamp - previous) & 0xffff);
        previous = event.timestamp;
        builder.add(now, static_cast<uint16_t>(packet->header.cpu_id % 4), event.type, event.payload);
        ++count;
    }
    Timeline timeline = std::move(builder).finish();
    if (timeline.events().size() != count)
        abort();
    for (size_t row = 0; row < count; ++row)
        (void)timeline.fields_text(row);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0)
        return 0;
    if ((data[0] & 1) != 0) {
        auto json = nlohmann::json::parse(data + 1, data + size, nullptr, false);
        if (auto parsed = schema_from_json(json))
            (void)to_json(*parsed);
        return 0;
    }
    decode({data + 1, data + size}, (data[0] & 2) != 0, (data[0] & 4) != 0);
    return 0;
}
