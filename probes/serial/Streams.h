#pragma once
// The two ends of one channel's byte stream over the serial line: what is to be sent until the peer has it, and what
// has arrived until somebody reads it. Rings over memory that the owner brings; each a power of two, at most
// wire::serial_max_window. No clock, no line: Link says what was lost and when to send.

#include "probes/serial/Intervals.h"
#include "probes/wire/SerialLink.h"

#include <span>

namespace serial {

class SendStream {
public:
    constexpr explicit SendStream(std::span<uint8_t> ring)
        : m_ring(ring) {}

    /// A new session, in which the peer takes `window` bytes before it says more.
    void reset(size_t window);

    size_t room() const { return m_ring.size() - Range{m_acknowledged, m_written}.size(); }
    size_t write(std::span<const uint8_t> bytes);

    /// Whether there is something that may be sent now.
    bool has_more() const { return !m_lost.is_empty() || distance(m_sent, sendable_end()) > 0; }
    /// The next piece to send, at most `max` bytes, copied to `out`; it counts as sent. has_more().
    Range take(size_t max, uint8_t* out);
    /// Sent before and not acknowledged: once more.
    void copy_again(Range range, uint8_t* out) const { copy(range, out); }

    /// The peer has all before `next` and takes nothing at `limit` or beyond. False, and nothing is changed, when that
    /// cannot be.
    bool acknowledge(Place next_untrusted, Place limit_untrusted);
    /// `range` was sent and has not arrived.
    void lose(Range range);
    /// All that was sent and not acknowledged, if nothing of it is known to be lost: it is.
    void lose_rest() {
        if (m_lost.is_empty())
            lose({m_acknowledged, m_sent});
    }

    /// Everything written has arrived.
    bool is_settled() const { return m_acknowledged == m_written; }
    size_t unacknowledged() const { return Range{m_acknowledged, m_written}.size(); }
    /// Bytes that wait for the peer to take more.
    bool is_blocked() const { return !has_more() && m_sent != m_written; }
    /// Sent, and the peer has not said that it has it.
    bool is_unconfirmed() const { return m_acknowledged != m_sent; }
    /// The peer has said that it has the range.
    bool has_all_of(Range range) const { return distance(range.end, m_acknowledged) >= 0; }

private:
    Place sendable_end() const { return distance(m_written, m_limit) < 0 ? m_limit : m_written; }
    void copy(Range range, uint8_t* out) const;

    std::span<uint8_t> m_ring;
    Place m_acknowledged = 0; // <= m_sent <= m_written
    Place m_sent = 0;
    Place m_written = 0;
    Place m_limit = 0;
    Intervals<32> m_lost; // of what was sent: to be sent again
};

class ReceiveStream {
public:
    constexpr explicit ReceiveStream(std::span<uint8_t> ring)
        : m_ring(ring) {}

    void reset();

    enum class Verdict : uint8_t {
        Taken,   ///< stored, or known already
        Refused, ///< beyond what was promised, or too many gaps: to be sent again
    };
    Verdict accept(Place begin_untrusted, std::span<const uint8_t> bytes);

    size_t readable() const { return Range{m_read, m_next}.size(); }
    size_t read(std::span<uint8_t> out);

    Place next() const { return m_next; }
    Place limit() const { return static_cast<Place>(m_read + m_ring.size()); }
    size_t window() const { return m_ring.size(); }

private:
    void store(Place at, std::span<const uint8_t> bytes);

    std::span<uint8_t> m_ring;
    Place m_read = 0; // <= m_next
    Place m_next = 0; // all before it has arrived
    Intervals<32> m_beyond;
};

} // namespace serial
