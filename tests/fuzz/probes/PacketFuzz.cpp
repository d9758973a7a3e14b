// wire::repair_packet() on arbitrary bytes: whatever it accepts must come out as a packet that holds what it says.
#include "probes/wire/Packet.h"

#include <cstdlib>
#include <vector>

namespace {

void require(bool condition) {
    if (!condition)
        std::abort();
}

/// An event's fields, taken from the input too: type, size and count in a byte each.
std::vector<wire::FieldDescriptor> take_fields(std::span<const uint8_t>& input) {
    std::vector<wire::FieldDescriptor> fields;
    if (input.empty())
        return fields;
    size_t count = input[0] % (wire::max_fields + 1);
    input = input.subspan(1);
    while (fields.size() < count && input.size() >= 3) {
        fields.push_back({.name = 0, .type = input[0], .size = input[1], .count = input[2], .reserved = 0});
        input = input.subspan(3);
    }
    return fields;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    std::span<const uint8_t> input(data, size);
    auto fields = take_fields(input);
    std::vector<std::byte> storage(input.size());
    if (!input.empty())
        std::memcpy(storage.data(), input.data(), input.size());
    auto size_of = [&](uint16_t id, std::span<const std::byte> bytes) -> std::optional<size_t> {
        return id <= 16 ? wire::event_size(fields, bytes) : std::nullopt;
    };

    auto first = wire::repair_packet(storage, 7, 3, size_of);
    if (!first)
        return 0;
    auto header = wire::packet_header(storage);
    require(header.has_value());
    require(header->content_size != 0 && header->event_count == first->events);
    require(header->timestamp_end >= header->timestamp_begin || header->timestamp_begin > UINT64_MAX / 2);

    // A second time finds the same events, and nothing to repair.
    auto second = wire::repair_packet(storage, 7, 0, size_of);
    require(second && second->events == first->events && second->holes == 0 && !second->torn);
    return 0;
}
