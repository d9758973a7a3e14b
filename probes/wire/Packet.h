#pragma once
// Reading packets that nobody closed, or that come from nobody one trusts: a dead machine's memory, a core, a torn
// file. Header-only and without dependencies, for guest, host and fuzz target. Normative text: docs/trace-format.md §3
// and §5.

#include "probes/wire/Ctf.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

namespace wire {

/// Bytes of the event at the start of `bytes_untrusted`, its padding included, by its fields; nothing if it does not
/// fit or a field makes no sense. It starts at a multiple of 8 from the start of its packet.
inline std::optional<size_t> event_size(std::span<const FieldDescriptor> fields,
                                        std::span<const std::byte> bytes_untrusted) {
    size_t offset = sizeof(uint64_t);
    for (const auto& field : fields) {
        switch (static_cast<FieldType>(field.type)) {
        case FieldType::Signed:
        case FieldType::Unsigned:
        case FieldType::Hex:
        case FieldType::Pointer:
            if (field.size != 1 && field.size != 2 && field.size != 4 && field.size != 8)
                return std::nullopt;
            offset = (offset + field.size - 1) & ~(size_t{field.size} - 1);
            offset += size_t{field.size} * field.count;
            break;
        case FieldType::Text:
            offset += field.count;
            break;
        case FieldType::String: {
            size_t length = 0;
            for (;; ++length) {
                if (length == field.count || offset + length >= bytes_untrusted.size())
                    return std::nullopt;
                if (bytes_untrusted[offset + length] == std::byte{0})
                    break;
            }
            offset += length + 1;
            break;
        }
        default:
            return std::nullopt;
        }
        if (offset > max_event_size)
            return std::nullopt;
    }
    offset = (offset + event_alignment - 1) & ~(event_alignment - 1);
    if (offset > bytes_untrusted.size() || offset > max_event_size)
        return std::nullopt;
    return offset;
}

/// The header of a packet whose storage is `bytes_untrusted`; nothing if it cannot be one.
inline std::optional<PacketHeader> packet_header(std::span<const std::byte> bytes_untrusted) {
    PacketHeader header;
    if (bytes_untrusted.size() < sizeof header)
        return std::nullopt;
    std::memcpy(&header, bytes_untrusted.data(), sizeof header);
    bool content_fits =
        header.content_size == 0 || (header.content_size % 64 == 0 && header.content_size >= sizeof header * 8 &&
                                     header.content_size <= header.packet_size);
    if (header.magic != packet_magic || header.stream_id != event_stream_id || !content_fits ||
        header.packet_size / 8 != bytes_untrusted.size() || header.packet_size % 64 != 0)
        return std::nullopt;
    return header;
}

struct RepairResult {
    uint64_t events;
    uint64_t holes;
    bool torn; ///< the walk ended at something that is no event: what was behind it is lost, and its number unknown
};

/// Makes the packet in `storage`, a copy of a whole sub-buffer, one that a CTF reader takes: closes it if it is open,
/// leaves out its holes and counts them as discarded. `discarded` is what events_discarded becomes if the packet was
/// open (RingDescriptor::events_discarded). `earlier_holes` is the sum of what this function has found in the CPU's
/// packets before this one. size_of(id, span) gives an event's size or nothing: event_size() of its descriptor.
/// Nothing if there is no packet.
template <typename SizeOf>
std::optional<RepairResult> repair_packet(std::span<std::byte> storage, uint64_t discarded, uint64_t earlier_holes,
                                          SizeOf&& size_of) {
    auto found = packet_header(storage);
    if (!found)
        return std::nullopt;
    PacketHeader header = *found;
    bool was_open = header.content_size == 0;
    size_t end = was_open ? storage.size() : header.content_size / 8;
    size_t from = sizeof header;
    size_t to = from;
    uint64_t timestamp = header.timestamp_begin;
    RepairResult result{};
    while (from < end) {
        uint64_t word = 0;
        std::memcpy(&word, &storage[from], sizeof word);
        if (word == 0) {
            result.torn = !was_open;
            break;
        }
        std::optional<size_t> size;
        if (event_id(word) != hole_id)
            size = size_of(event_id(word), std::span<const std::byte>(storage.subspan(from, end - from)));
        else if (uint64_t hole = hole_size(word); hole <= max_event_size && hole >= 8 && hole % event_alignment == 0)
            size = hole;
        if (!size || *size > end - from) {
            result.torn = true;
            break;
        }
        if (event_id(word) == hole_id) {
            ++result.holes;
        } else {
            ++result.events;
            timestamp = extend_timestamp(word, timestamp);
            std::memmove(&storage[to], &storage[from], *size);
            to += *size;
        }
        from += *size;
    }
    std::memset(storage.data() + to, 0, storage.size() - to);
    if (was_open) {
        if (discarded < header.events_discarded)
            discarded = header.events_discarded;
        header.events_produced += result.events + result.holes + (discarded - header.events_discarded);
        header.events_discarded = discarded;
    }
    if (header.timestamp_end < timestamp)
        header.timestamp_end = timestamp;
    header.events_discarded += earlier_holes + result.holes;
    header.content_size = to * 8;
    header.event_count = static_cast<uint32_t>(result.events);
    std::memcpy(storage.data(), &header, sizeof header);
    return result;
}

} // namespace wire
