#pragma once
// Flights: which transmissions are on their way, and what an Ack says of them.
//
// A serial line keeps its order. So an Ack that knows of transmission n has decided the fate of all before n, and what
// it calls missing is lost for certain: it is sent again at once, and no timer is needed but for the last ones.

#include "probes/serial/Frame.h"
#include "probes/serial/Intervals.h"

namespace serial {

class Flights {
public:
    static constexpr unsigned capacity = 64;
    static_assert(capacity <= 128); // numbers on the line are 8 bits

    struct Flight {
        uint32_t number = 0;
        bool in_use = false;
        bool given_up =
            false; ///< its fate still teaches what the line is like; what it carried is no longer its business
        SerialChannel channel = SerialChannel::Link; ///< Link: a Ping, which carries nothing
        Range range;
        uint16_t line_bytes = 0;
        Time sent_at = 0;
    };

    constexpr Flights() = default;
    void reset() { *this = Flights(); }

    /// Transmissions under way.
    unsigned count() const { return m_count; }
    bool is_empty() const { return m_count == 0; }
    /// Whether the next transmission finds its place free.
    bool has_room() const { return !is_under_way(m_flights[m_next % capacity]); }
    /// The number that the next transmission will have on the line.
    uint8_t next_sequence() const { return static_cast<uint8_t>(m_next); }
    /// Gives up the transmission that has been under way for `capacity` others and is in the place of the next.
    /// !has_room(), and has_room() after it.
    Flight give_up_oldest() { return give_up(m_flights[m_next % capacity]); }
    /// has_room().
    void add(SerialChannel channel, Range range, size_t line_bytes, Time now);

    /// The first under way of the most urgent channel, a Ping last. !is_empty().
    Flight give_up_most_urgent();

    /// Calls decide(flight, arrived) for each transmission that the Ack decides, and forgets it; returns when the
    /// newest was sent, if it is one of them. `missing` is the Ack's bit mask.
    template <typename Decide>
    std::optional<Time> acknowledge(uint8_t newest_untrusted, std::span<const uint8_t> missing, Decide decide) {
        uint32_t newest = m_next - 1 - static_cast<uint8_t>(m_next - 1 - newest_untrusted);
        std::optional<Time> newest_sent_at;
        for (; static_cast<int32_t>(newest - m_oldest) >= 0; ++m_oldest) {
            Flight& place = m_flights[m_oldest % capacity];
            if (!place.in_use)
                continue;
            uint32_t age = newest - m_oldest;
            bool arrived =
                age < wire::serial_ack_history && (age / 8 >= missing.size() || (missing[age / 8] >> age % 8 & 1) == 0);
            if (age == 0)
                newest_sent_at = place.sent_at;
            m_count -= is_under_way(place) ? 1 : 0;
            place.in_use = false;
            decide(place, arrived);
        }
        return newest_sent_at;
    }

private:
    static bool is_under_way(const Flight& place) { return place.in_use && !place.given_up; }
    Flight give_up(Flight& place) {
        place.given_up = true;
        --m_count;
        return place;
    }

    uint32_t m_next = 0;
    uint32_t m_oldest = 0; // the fate of all before it is known, or will never be
    unsigned m_count = 0;
    Flight m_flights[capacity]; // by number
};

/// What arrived of the peer's transmissions, for the Ack.
class Arrivals {
public:
    constexpr Arrivals() = default;
    void reset() { *this = Arrivals(); }

    /// A transmission is here. `taken`: what it carries too.
    void add(uint8_t sequence, bool taken);
    bool has_any() const { return m_any; }
    uint8_t newest() const { return m_newest; }
    /// Whether one before the newest is missing that was not before the last call.
    bool take_new_gap() {
        bool gap = m_new_gap;
        m_new_gap = false;
        return gap;
    }
    /// The Ack's bit mask; returns how many bytes of it are not all 0 at the end.
    size_t missing(uint8_t (&out)[wire::serial_ack_history / 8]) const;

private:
    uint32_t m_missing = 0;
    uint8_t m_newest = UINT8_MAX; // numbers begin with 0
    bool m_any = false;
    bool m_new_gap = false;
};

} // namespace serial
