#include "tracer/auth/Records.h"

#include <algorithm>
#include <cstring>

namespace tracer {

std::vector<uint8_t> RecordSealer::seal_record(ByteSpan payload) {
    const wire::RecordHeader header{static_cast<uint16_t>(payload.size()), 0, static_cast<uint32_t>(m_sequence)};
    const Digest mac = hmac_sha256(m_key, {span_of(m_sequence), span_of(header), payload});
    ++m_sequence;
    std::vector<uint8_t> record;
    record.reserve(payload.size() + wire::record_overhead);
    record.insert(record.end(), span_of(header).begin(), span_of(header).end());
    record.insert(record.end(), payload.begin(), payload.end());
    record.insert(record.end(), mac.begin(), mac.begin() + wire::mac_size);
    return record;
}

std::vector<uint8_t> RecordSealer::seal(ByteSpan bytes) {
    std::vector<uint8_t> records;
    while (!bytes.empty()) {
        const ByteSpan part = bytes.first(std::min(bytes.size(), wire::max_record_payload));
        const std::vector<uint8_t> record = seal_record(part);
        records.insert(records.end(), record.begin(), record.end());
        bytes = bytes.subspan(part.size());
    }
    return records;
}

Result<std::vector<uint8_t>> RecordOpener::open(ByteSpan bytes_untrusted) {
    const auto forged = [] {
        return fail("the connection carries bytes that are not the instance's",
                    "Somebody else writes to this line, or it loses bytes.");
    };
    if (m_forged)
        return forged();
    m_bytes.insert(m_bytes.end(), bytes_untrusted.begin(), bytes_untrusted.end());
    std::vector<uint8_t> opened;
    size_t at = 0;
    while (!m_ended && m_bytes.size() - at >= sizeof(wire::RecordHeader)) {
        wire::RecordHeader header;
        std::memcpy(&header, &m_bytes[at], sizeof header);
        bool is_right = header.length <= wire::max_record_payload && header.reserved == 0 &&
                        header.sequence == static_cast<uint32_t>(m_sequence);
        if (is_right && m_bytes.size() - at < header.length + wire::record_overhead)
            break;
        const ByteSpan rest = ByteSpan(m_bytes).subspan(at);
        if (is_right) {
            const ByteSpan header_and_payload = rest.first(sizeof header + header.length);
            const Digest mac = hmac_sha256(m_key, {span_of(m_sequence), header_and_payload});
            is_right = equal_in_constant_time(ByteSpan(mac).first(wire::mac_size),
                                              rest.subspan(header_and_payload.size(), wire::mac_size));
        }
        if (!is_right) {
            m_forged = true;
            m_bytes.clear();
            if (opened.empty())
                return forged();
            return opened;
        }
        const ByteSpan payload = rest.subspan(sizeof header, header.length);
        opened.insert(opened.end(), payload.begin(), payload.end());
        ++m_sequence;
        m_ended = payload.empty();
        at += header.length + wire::record_overhead;
    }
    m_bytes.erase(m_bytes.begin(), m_bytes.begin() + static_cast<ptrdiff_t>(at));
    return opened;
}

} // namespace tracer
