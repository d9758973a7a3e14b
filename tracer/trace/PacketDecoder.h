#pragma once
// The fast path of reading: from a packet's bytes to its events, one after the other, without allocation.
//
//     DecodeTable table(schema);
//     if (auto packet = find_packet(bytes)) {
//         PacketCursor cursor(table, *packet);
//         DecodedEvent event;
//         while (cursor.next(event)) ...
//     }
//
// Packets come from files and from the memory of dead machines: every length is checked before it is used.

#include "probes/wire/Ctf.h"
#include "tracer/trace/Schema.h"

#include <cstring>
#include <optional>
#include <span>
#include <vector>

namespace tracer {

/// A packet whose header has been checked; refers to the bytes that it was found in.
struct Packet {
    wire::PacketHeader header;
    std::span<const uint8_t> bytes;   ///< header.packet_size / 8 bytes
    std::span<const uint8_t> content; ///< the part in use, header included
};

/// The packet at the start of `bytes`; nothing if its magic or its sizes are wrong, or if it reaches beyond `bytes`.
/// An open packet (content_size 0) is none, unless `take_open`: then all of it is content, and ends at a zero word or
/// at anything that is no event (trace-format.md §5).
std::optional<Packet> find_packet(std::span<const uint8_t> bytes, bool take_open = false);
/// Whether what find_packet() did not take (at least a byte) is the beginning of a packet whose end is missing; else it
/// is no packet at all.
bool is_torn_packet(std::span<const uint8_t> bytes);

/// The schema, by event id, as the cursor needs it.
class DecodeTable {
public:
    struct Entry {
        uint32_t step = 0;       ///< bytes from this event to the next; 0 unknown id
        uint16_t type = 0;       ///< index into Schema::types()
        bool has_string = false; ///< step is the least then
    };
    explicit DecodeTable(const Schema& schema);

    const Entry& operator[](uint16_t id) const { return id < m_entries.size() ? m_entries[id] : m_unknown; }
    const EventType& type(uint16_t index) const { return m_types[index]; }

private:
    std::vector<Entry> m_entries;
    std::vector<EventType> m_types;
    Entry m_unknown;
};

struct DecodedEvent {
    uint64_t timestamp;   ///< ticks
    uint16_t type;        ///< index into Schema::types()
    const uint8_t* begin; ///< of its header
    const uint8_t* payload;
    uint32_t step; ///< bytes from `begin` to the next event
};

class PacketCursor {
public:
    PacketCursor() = default;
    PacketCursor(const DecodeTable& table, const Packet& packet)
        : m_table(&table)
        , m_at(packet.content.data() + sizeof(wire::PacketHeader))
        , m_end(packet.content.data() + packet.content.size())
        , m_timestamp(packet.header.timestamp_begin) {}

    /// False at the packet's end, and at the first byte that cannot be an event: is_damaged() tells which.
    bool next(DecodedEvent& event) {
        while (static_cast<size_t>(m_end - m_at) >= sizeof(uint64_t)) {
            uint64_t header;
            memcpy(&header, m_at, sizeof(header));
            uint16_t id = wire::event_id(header);
            if (id == wire::hole_id) [[unlikely]] {
                if (!skip_hole(header))
                    return false;
                continue;
            }
            const auto& entry = (*m_table)[id];
            uint32_t step = entry.step;
            if (step == 0 || entry.has_string) [[unlikely]] {
                step = step_of(entry);
                if (step == 0)
                    return damaged();
            }
            auto left = static_cast<size_t>(m_end - m_at);
            if (step > left) [[unlikely]] {
                // The last event's padding may lie behind the content.
                if (!fits_without_padding(entry, left))
                    return damaged();
                event.step = static_cast<uint32_t>(left);
            } else {
                event.step = step;
            }
            m_timestamp = wire::extend_timestamp(header, m_timestamp);
            event.timestamp = m_timestamp;
            event.type = entry.type;
            event.begin = m_at;
            event.payload = m_at + sizeof(uint64_t);
            m_at += event.step;
            return true;
        }
        return false;
    }

    bool is_damaged() const { return m_is_damaged; }
    uint64_t holes() const { return m_holes; }
    const uint8_t* position() const { return m_at; }

private:
    bool damaged() {
        m_is_damaged = true;
        m_end = m_at;
        return false;
    }
    bool skip_hole(uint64_t header);
    uint32_t step_of(const DecodeTable::Entry& entry) const;
    bool fits_without_padding(const DecodeTable::Entry& entry, size_t left) const;

    const DecodeTable* m_table = nullptr;
    const uint8_t* m_at = nullptr;
    const uint8_t* m_end = nullptr;
    uint64_t m_timestamp = 0;
    uint64_t m_holes = 0;
    bool m_is_damaged = false;
};

} // namespace tracer
