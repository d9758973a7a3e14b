#include "libos/auth/Records.h"

#include "libos/base/Assert.h"

#include <algorithm>
#include <cstring>

namespace auth {

namespace {

Digest mac_of(const Digest& key, uint64_t sequence, Bytes header_and_payload) {
    return hmac_sha256(key, {std::as_bytes(std::span(&sequence, 1)), header_and_payload});
}

} // namespace

void RecordSealer::start(const Digest& key) {
    stop();
    m_key = key;
}

void RecordSealer::stop() {
    wipe(m_key);
    m_sequence = 0;
    m_size = m_sent = 0;
}

void RecordSealer::seal(Bytes payload) {
    ASSERT(pending().empty() && payload.size() <= wire::max_record_payload);
    wire::RecordHeader header{static_cast<uint16_t>(payload.size()), 0, static_cast<uint32_t>(m_sequence)};
    std::memcpy(m_record, &header, sizeof(header));
    if (!payload.empty())
        std::memcpy(m_record + sizeof(header), payload.data(), payload.size());
    size_t size = sizeof(header) + payload.size();
    Digest mac = mac_of(m_key, m_sequence++, Bytes(m_record).first(size));
    std::memcpy(m_record + size, mac.data(), wire::mac_size);
    m_size = size + wire::mac_size;
    m_sent = 0;
}

void RecordOpener::start(const Digest& key) {
    stop();
    m_key = key;
    m_over = false;
}

void RecordOpener::stop() {
    wipe(m_key);
    m_sequence = 0;
    m_size = m_payload = m_taken = 0;
    m_over = true;
}

size_t RecordOpener::wanted() const {
    if (m_over || has_payload())
        return 0;
    if (m_size < sizeof(wire::RecordHeader))
        return sizeof(wire::RecordHeader) - m_size;
    wire::RecordHeader header;
    std::memcpy(&header, m_record, sizeof(header));
    return header.length + wire::record_overhead - m_size;
}

RecordOpener::Outcome RecordOpener::push(Bytes bytes_untrusted) {
    ASSERT(bytes_untrusted.size() <= wanted());
    std::memcpy(m_record + m_size, bytes_untrusted.data(), bytes_untrusted.size());
    m_size += bytes_untrusted.size();
    if (m_size < sizeof(wire::RecordHeader))
        return Outcome::More;

    wire::RecordHeader header;
    std::memcpy(&header, m_record, sizeof(header));
    bool possible = header.length <= wire::max_record_payload && header.reserved == 0 &&
                    header.sequence == static_cast<uint32_t>(m_sequence);
    if (possible && m_size < header.length + wire::record_overhead)
        return Outcome::More;
    size_t size = sizeof(header) + header.length;
    if (possible) {
        Digest mac = mac_of(m_key, m_sequence, Bytes(m_record).first(size));
        possible =
            equal_in_constant_time(Bytes(mac).first(wire::mac_size), Bytes(m_record).subspan(size, wire::mac_size));
    }
    if (!possible) {
        m_over = true;
        return Outcome::Forged;
    }
    ++m_sequence;
    m_size = 0;
    m_payload = header.length;
    m_taken = 0;
    if (header.length != 0)
        return Outcome::Payload;
    m_over = true;
    return Outcome::End;
}

size_t RecordOpener::take(std::span<std::byte> out) {
    size_t count = std::min(out.size(), m_payload - m_taken);
    if (count != 0)
        std::memcpy(out.data(), m_record + sizeof(wire::RecordHeader) + m_taken, count);
    m_taken += count;
    return count;
}

} // namespace auth
