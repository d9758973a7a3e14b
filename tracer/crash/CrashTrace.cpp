#include "tracer/crash/CrashTrace.h"

#include "tracer/trace/TraceWriter.h"

#include <algorithm>

namespace crash {

using tracer::Result;

namespace {

struct SubBuffer {
    uint64_t sequence;
    std::vector<uint8_t> bytes;
};

} // namespace

/// Reads what the core has; pages that it leaves out are zero.
static void read_pages(const CoreFile& core, uint64_t address, std::span<uint8_t> to) {
    static constexpr uint64_t page = 4096;
    while (!to.empty()) {
        auto count = std::min<size_t>(to.size(), page - address % page);
        if (!core.read(address, to.first(count)))
            std::ranges::fill(to.first(count), uint8_t{0});
        to = to.subspan(count);
        address += count;
    }
}

/// The sub-buffers of one ring that hold a packet, oldest first. The open one ends where the ring says.
static std::vector<SubBuffer> read_ring(const CoreFile& core, const wire::CoreRing& ring) {
    static constexpr uint64_t largest = 64 << 20;
    static constexpr uint32_t most = 65536;
    std::vector<SubBuffer> result;
    uint64_t size = ring.sub_buffer_size;
    if (size < sizeof(wire::PacketHeader) || size > largest || ring.sub_buffer_count > most)
        return result;
    for (uint64_t i = 0; i < ring.sub_buffer_count; ++i) {
        std::vector<uint8_t> bytes(size);
        read_pages(core, ring.address + i * size, bytes);
        auto packet = tracer::find_packet(bytes, true);
        if (!packet)
            continue;
        bool is_open = packet->header.content_size == 0;
        if (is_open && i == ring.current && ring.current_used >= sizeof(wire::PacketHeader) && ring.current_used < size)
            std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(ring.current_used), bytes.end(), 0);
        result.push_back({.sequence = packet->header.packet_seq_num, .bytes = std::move(bytes)});
    }
    std::ranges::sort(result, {}, &SubBuffer::sequence);
    return result;
}

Result<uint64_t> extract_trace(const CoreFile& core, const tracer::Schema& schema, std::string instance,
                               std::string image_path, const std::filesystem::path& output) {
    if (!core.hello() || core.rings().empty())
        return 0;
    auto info = tracer::make_recording_info(*core.hello(), std::move(instance), std::move(image_path));
    info.was_snapshot = true;
    auto writer = TRY(tracer::TraceWriter::create(output, std::move(info), schema));
    for (const auto& ring : core.rings())
        for (const auto& sub_buffer : read_ring(core, ring))
            TRY(writer.add_sub_buffer(sub_buffer.bytes));
    TRY(writer.finish());
    return writer.events_delivered();
}

} // namespace crash
