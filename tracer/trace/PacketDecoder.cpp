#include "tracer/trace/PacketDecoder.h"

#include <algorithm>
#include <cstring>

namespace tracer {

static constexpr uint32_t g_header_size = sizeof(uint64_t);

static uint32_t padded(uint32_t size) {
    return (size + wire::event_alignment - 1) & ~static_cast<uint32_t>(wire::event_alignment - 1);
}

std::optional<Packet> find_packet(std::span<const uint8_t> bytes, bool take_open) {
    Packet packet;
    if (bytes.size() < sizeof(packet.header))
        return std::nullopt;
    memcpy(&packet.header, bytes.data(), sizeof(packet.header));
    auto& header = packet.header;
    if (header.magic != wire::packet_magic || header.stream_id != wire::event_stream_id)
        return std::nullopt;
    uint64_t packet_size_untrusted = header.packet_size / 8;
    bool is_open = take_open && header.content_size == 0;
    uint64_t content_size_untrusted = is_open ? packet_size_untrusted : header.content_size / 8;
    if (header.packet_size % 8 != 0 || header.content_size % 8 != 0 || packet_size_untrusted > bytes.size() ||
        content_size_untrusted > packet_size_untrusted || content_size_untrusted < sizeof(header))
        return std::nullopt;
    packet.bytes = bytes.first(packet_size_untrusted);
    packet.content = bytes.first(content_size_untrusted);
    return packet;
}

bool is_torn_packet(std::span<const uint8_t> bytes) {
    wire::PacketHeader header{};
    memcpy(&header, bytes.data(), std::min(bytes.size(), sizeof(header)));
    const uint32_t magic = wire::packet_magic;
    if (memcmp(&header.magic, &magic, std::min(bytes.size(), sizeof(magic))) != 0)
        return false;
    return bytes.size() < sizeof(header) || header.packet_size / 8 > bytes.size();
}

DecodeTable::DecodeTable(const Schema& schema)
    : m_types(schema.types()) {
    for (size_t i = 0; i < m_types.size(); ++i) {
        const auto& type = m_types[i];
        if (type.id >= m_entries.size())
            m_entries.resize(size_t{type.id} + 1);
        m_entries[type.id] = {.step = padded(g_header_size + type.fixed_size),
                              .type = static_cast<uint16_t>(i),
                              .has_string = type.has_string};
    }
}

bool PacketCursor::skip_hole(uint64_t header) {
    uint64_t size = wire::hole_size(header);
    if (size == 0) { // a zero word ends an open packet
        m_end = m_at;
        return false;
    }
    if (size % wire::event_alignment != 0 || size > wire::max_event_size || size > static_cast<size_t>(m_end - m_at))
        return damaged();
    ++m_holes;
    m_at += size;
    return true;
}

uint32_t PacketCursor::step_of(const DecodeTable::Entry& entry) const {
    if (entry.step == 0)
        return 0;
    std::span<const uint8_t> payload(m_at + g_header_size, m_end);
    auto size = m_table->type(entry.type).payload_size(payload);
    return size ? padded(g_header_size + *size) : 0;
}

bool PacketCursor::fits_without_padding(const DecodeTable::Entry& entry, size_t left) const {
    std::span<const uint8_t> payload(m_at + g_header_size, m_end);
    auto size = m_table->type(entry.type).payload_size(payload);
    return size && g_header_size + *size <= left;
}

} // namespace tracer
