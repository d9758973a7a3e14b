#include "probes/serial/Streams.h"

#include <algorithm>
#include <cstring>

namespace serial {

// --- Sending

void SendStream::reset(size_t window) {
    m_acknowledged = m_sent = m_written = 0;
    m_limit = static_cast<Place>(std::min(window, wire::serial_max_window));
    m_lost.clear();
}

size_t SendStream::write(std::span<const uint8_t> bytes) {
    size_t count = std::min(bytes.size(), room());
    size_t at = m_written & (m_ring.size() - 1);
    size_t first = std::min(count, m_ring.size() - at);
    std::copy_n(bytes.data(), first, m_ring.data() + at);
    std::copy_n(bytes.data() + first, count - first, m_ring.data());
    m_written = static_cast<Place>(m_written + count);
    return count;
}

void SendStream::copy(Range range, uint8_t* out) const {
    size_t at = range.begin & (m_ring.size() - 1);
    size_t first = std::min(range.size(), m_ring.size() - at);
    std::copy_n(m_ring.data() + at, first, out);
    std::copy_n(m_ring.data(), range.size() - first, out + first);
}

Range SendStream::take(size_t max, uint8_t* out) {
    Range range;
    if (!m_lost.is_empty()) {
        range = m_lost.first();
        range.end = static_cast<Place>(range.begin + std::min(range.size(), max));
        m_lost.remove_before(range.end);
    } else {
        range = {m_sent, sendable_end()};
        range.end = static_cast<Place>(range.begin + std::min(range.size(), max));
        m_sent = range.end;
    }
    copy(range, out);
    return range;
}

bool SendStream::acknowledge(Place next_untrusted, Place limit_untrusted) {
    // Acknowledgements arrive in the order in which they were sent: neither place ever goes back.
    if (distance(m_acknowledged, next_untrusted) < 0 || distance(next_untrusted, m_sent) < 0 ||
        distance(m_limit, limit_untrusted) < 0 ||
        distance(next_untrusted, limit_untrusted) > static_cast<int>(wire::serial_max_window))
        return false;
    m_acknowledged = next_untrusted;
    m_limit = limit_untrusted;
    m_lost.remove_before(m_acknowledged);
    return true;
}

void SendStream::lose(Range range) {
    if (distance(range.begin, m_acknowledged) > 0)
        range.begin = m_acknowledged;
    if (distance(range.begin, range.end) > 0)
        m_lost.add_generously(range);
}

// --- Receiving

void ReceiveStream::reset() {
    m_read = m_next = 0;
    m_beyond.clear();
}

void ReceiveStream::store(Place at, std::span<const uint8_t> bytes) {
    size_t index = at & (m_ring.size() - 1);
    size_t first = std::min(bytes.size(), m_ring.size() - index);
    std::copy_n(bytes.data(), first, m_ring.data() + index);
    std::copy_n(bytes.data() + first, bytes.size() - first, m_ring.data());
}

static constexpr int max_behind_limit = 2 * wire::serial_max_window;

ReceiveStream::Verdict ReceiveStream::accept(Place begin_untrusted, std::span<const uint8_t> bytes) {
    Range range{begin_untrusted, static_cast<Place>(begin_untrusted + bytes.size())};
    // A repetition begins at most a window before what is known, so this is all that a peer may send.
    if (int ahead = distance(range.begin, limit()); ahead < static_cast<int>(bytes.size()) || ahead > max_behind_limit)
        return Verdict::Refused;
    if (int known = distance(range.begin, m_next); known > 0) {
        if (static_cast<size_t>(known) >= bytes.size())
            return Verdict::Taken;
        bytes = bytes.subspan(static_cast<size_t>(known));
        range.begin = m_next;
    }
    if (range.begin != m_next) {
        if (!m_beyond.add(range))
            return Verdict::Refused;
        store(range.begin, bytes);
        return Verdict::Taken;
    }
    store(range.begin, bytes);
    m_next = range.end;
    if (!m_beyond.is_empty()) {
        m_beyond.remove_before(m_next);
        if (!m_beyond.is_empty() && m_beyond.first().begin == m_next) {
            m_next = m_beyond.first().end;
            m_beyond.remove_before(m_next);
        }
    }
    return Verdict::Taken;
}

size_t ReceiveStream::read(std::span<uint8_t> out) {
    size_t count = std::min(out.size(), readable());
    size_t at = m_read & (m_ring.size() - 1);
    size_t first = std::min(count, m_ring.size() - at);
    std::copy_n(m_ring.data() + at, first, out.data());
    std::copy_n(m_ring.data(), count - first, out.data() + first);
    m_read = static_cast<Place>(m_read + count);
    return count;
}

} // namespace serial
