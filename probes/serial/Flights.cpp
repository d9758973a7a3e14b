#include "probes/serial/Flights.h"

namespace serial {

void Flights::add(SerialChannel channel, Range range, size_t line_bytes, Time now) {
    m_flights[m_next % capacity] = {m_next, true, false, channel, range, static_cast<uint16_t>(line_bytes), now};
    ++m_next;
    ++m_count;
    if (m_next - m_oldest > capacity)
        m_oldest = m_next - capacity;
}

Flights::Flight Flights::give_up_most_urgent() {
    constexpr auto urgency = [](const Flight& flight) {
        return flight.channel == SerialChannel::Link ? UINT8_MAX : static_cast<uint8_t>(flight.channel);
    };
    Flight* best = nullptr;
    for (uint32_t number = m_oldest; number != m_next; ++number) {
        Flight& place = m_flights[number % capacity];
        if (is_under_way(place) && (best == nullptr || urgency(place) < urgency(*best)))
            best = &place;
    }
    return give_up(*best);
}

void Arrivals::add(uint8_t sequence, bool taken) {
    // Numbers only go forward on a line that keeps its order; the same again is a repetition of the frame itself.
    unsigned step = static_cast<uint8_t>(sequence - m_newest);
    if (step == 0)
        return;
    // All ones shifted in: what was skipped is missing.
    if (step < wire::serial_ack_history)
        m_missing = m_missing << step | ((uint32_t{1} << step) - 1);
    else
        m_missing = UINT32_MAX;
    if (taken)
        m_missing &= ~uint32_t{1};
    m_new_gap |= step > 1 || !taken;
    m_newest = sequence;
    m_any = true;
}

size_t Arrivals::missing(uint8_t (&out)[wire::serial_ack_history / 8]) const {
    size_t used = 0;
    for (size_t i = 0; i < sizeof(out); ++i) {
        out[i] = static_cast<uint8_t>(m_missing >> (8 * i));
        if (out[i] != 0)
            used = i + 1;
    }
    return used;
}

} // namespace serial
