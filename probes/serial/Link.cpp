// Sessions and channels, and what goes to the line.
#include "probes/serial/Link.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace serial {

void Link::start(uint64_t entropy, Time now) {
    m_now = now;
    m_byes = 0;
    if (m_handshake.is_up())
        apply(m_handshake.drop());
    m_handshake.start(entropy, now);
    apply({});
}

void Link::stop() {
    if (m_handshake.is_up()) {
        // Its seed goes with the session, so the frame is made before. Once said twice, should one be damaged.
        m_bye_size = put_in_session({.message = SerialMessage::Bye, .payload = {}}).size();
        m_byes = 2;
        apply(m_handshake.drop());
    }
    m_handshake.stop();
    apply({});
}

size_t Link::write(SerialChannel channel, std::span<const uint8_t> bytes) {
    return is_up() ? send_of(channel).write(bytes) : 0;
}

size_t Link::read(SerialChannel channel, std::span<uint8_t> out) {
    if (!is_up())
        return 0;
    auto& stream = receive_of(channel);
    size_t count = stream.read(out);
    auto index = static_cast<size_t>(channel);
    // Worth telling when a good part of the ring is free again.
    if (Range{m_promised[index], stream.limit()}.size() >= stream.window() / 4) {
        m_ack_channels |= 1u << index;
        m_ack_at = 0;
    }
    return count;
}

// --- Time

/// Something has to be asked for although no transmission is under way: what the peer should have, as far as is known,
/// or room that it may have made since.
bool Link::needs_push() const {
    for (size_t i = 1; i < channel_count; ++i) {
        if (!m_send[i].has_more() && (m_send[i].is_unconfirmed() || m_send[i].is_blocked()))
            return true;
    }
    return false;
}

Time Link::retry_at() const {
    if (!m_flights.is_empty())
        return m_retry_base + m_estimate.time_out();
    return needs_push() ? m_retry_base + std::max(m_push_interval, m_estimate.time_out()) : no_deadline;
}

Time Link::deadline() const {
    Time time = std::min(m_receiver.deadline(), m_handshake.deadline());
    if (!is_up())
        return time;
    time = std::min({time, m_ack_at, retry_at()});
    return std::min(time, m_role == SerialRole::Host ? m_last_sent + keepalive_interval : m_silence_check);
}

void Link::check_silence() {
    if (m_role == SerialRole::Host) {
        m_ping_wanted |= m_now >= m_last_sent + keepalive_interval;
        return;
    }
    // Counted in intervals in which this code ran: a machine that was paused has not been left.
    if (m_now < m_silence_check)
        return;
    m_silence_check = m_now + keepalive_interval;
    if (++m_silent_intervals > max_silent_intervals)
        apply(m_handshake.drop());
}

void Link::check_time() {
    m_receiver.on_time(m_now, *this);
    if (is_up())
        check_silence();
    if (!is_up() || m_now < retry_at())
        return;
    m_retry_base = m_now;
    if (m_flights.is_empty()) {
        m_push_interval = std::clamp<Time>(2 * m_push_interval, 10'000, keepalive_interval);
        m_ping_wanted = true;
        return;
    }
    // One is sent again, and the Ack that it draws says what became of all before it.
    ++m_statistics.time_outs;
    m_estimate.note_time_out();
    auto flight = m_flights.give_up_most_urgent();
    if (flight.channel == SerialChannel::Link || send_of(flight.channel).has_all_of(flight.range)) {
        m_ping_wanted = true;
        return;
    }
    send_of(flight.channel).lose(flight.range);
    m_retry = true;
}

// --- Frames

std::span<const uint8_t> Link::next_frame(Time now) {
    m_now = now;
    if (m_byes != 0) {
        --m_byes;
        return {m_frame, m_bye_size};
    }
    check_time();
    if (m_handshake.take_hello_due(now))
        return put_hello();
    if (!is_up())
        return {};
    if (m_ack_at <= now)
        return put_ack();
    if (m_ping_wanted)
        return put_ping();
    if (auto frame = put_data(); !frame.empty())
        return frame;
    return put_copy();
}

std::span<const uint8_t> Link::put(const Frame& frame, Encoding encoding, uint32_t seed) {
    ++m_statistics.frames_sent;
    return {m_frame, encode(frame, encoding, seed, m_frame)};
}

std::span<const uint8_t> Link::put_in_session(const Frame& frame) {
    m_last_sent = m_now;
    return put(frame, m_handshake.encoding(), *m_handshake.seed_of(m_role));
}

std::span<const uint8_t> Link::put_hello() {
    auto hello = m_handshake.make_hello();
    for (size_t i = 1; i < channel_count; ++i)
        hello.windows[i - 1] = static_cast<uint8_t>(std::countr_zero(m_receive[i].window()));
    uint8_t payload[sizeof(hello)];
    std::memcpy(payload, &hello, sizeof(hello));
    return put({.message = SerialMessage::Hello, .payload = payload}, Encoding::Escaped, 0);
}

std::span<const uint8_t> Link::put_ack() {
    uint8_t payload[1 + channel_count * sizeof(wire::SerialAckEntry) + wire::serial_ack_history / 8];
    size_t size = 1;
    payload[0] = 0;
    unsigned channels = m_ack_channels | m_ack_channels_before;
    for (size_t i = 1; i < channel_count; ++i) {
        if ((channels >> i & 1) == 0)
            continue;
        Place next = m_receive[i].next();
        Place limit = m_promised[i] = m_receive[i].limit();
        for (unsigned byte : {unsigned(i), next & 0xffu, unsigned(next >> 8), limit & 0xffu, unsigned(limit >> 8)})
            payload[size++] = static_cast<uint8_t>(byte);
        ++payload[0];
    }
    uint8_t missing[wire::serial_ack_history / 8];
    size_t missing_size = m_arrivals.missing(missing);
    std::copy_n(missing, missing_size, payload + size);
    size += missing_size;
    m_ack_channels_before = m_ack_channels;
    m_ack_channels = m_unacknowledged = 0;
    m_ack_at = no_deadline;
    m_ack_copies = 0;
    return put_in_session({.message = SerialMessage::Ack, .sequence = m_arrivals.newest(), .payload = {payload, size}});
}

/// The place of the next transmission is free, or is made so for a retry: what was in it is 64 transmissions old.
bool Link::make_room() {
    if (m_flights.has_room())
        return true;
    if (!m_retry && !m_ping_wanted)
        return false;
    auto flight = m_flights.give_up_oldest();
    if (flight.channel != SerialChannel::Link)
        send_of(flight.channel).lose(flight.range);
    return true;
}

std::span<const uint8_t> Link::put_ping() {
    make_room();
    m_ping_wanted = false;
    auto frame = put_in_session({.message = SerialMessage::Ping, .sequence = m_flights.next_sequence(), .payload = {}});
    m_flights.add(SerialChannel::Link, {}, frame.size(), m_now);
    m_retry_base = m_now;
    return frame;
}

/// The most urgent that has something to send, or one that has waited long. 0: none.
size_t Link::choose_channel() {
    size_t chosen = 0;
    unsigned ready = 0;
    for (size_t i = 1; i < channel_count; ++i) {
        unsigned flights = is_urgent(i) ? Flights::capacity : bulk_flights;
        if (!m_send[i].has_more() || (m_flights.count() >= flights && !m_retry)) {
            m_passed_over[i] = 0;
            continue;
        }
        ready |= 1u << i;
        bool is_overdue = m_passed_over[i] >= patience && m_in_order >= in_order_between;
        if (chosen == 0 || (is_overdue && m_passed_over[chosen] < patience))
            chosen = i;
    }
    m_in_order = std::countr_zero(ready) == static_cast<int>(chosen) ? m_in_order + 1 : 0;
    for (size_t i = 1; i < channel_count; ++i)
        m_passed_over[i] = i != chosen && (ready >> i & 1) != 0 ? m_passed_over[i] + 1 : 0;
    return chosen;
}

std::span<const uint8_t> Link::put_data() {
    if (!make_room())
        return {};
    size_t chosen = choose_channel();
    if (chosen == 0)
        return {};
    m_retry = false;
    uint8_t payload[wire::serial_max_payload];
    Range range = m_send[chosen].take(m_estimate.data_size(), payload + wire::serial_offset_size);
    auto channel = static_cast<SerialChannel>(chosen);
    m_last_data = {channel, range, 0};
    return put_range(channel, range, payload);
}

/// On a line that loses much, what somebody waits for goes out again while there is nothing else to send.
std::span<const uint8_t> Link::put_copy() {
    if (m_ack_copies < m_estimate.extra_copies()) {
        unsigned copies = m_ack_copies + 1;
        m_ack_channels |= m_ack_channels_before;
        auto frame = put_ack();
        m_ack_copies = copies;
        return frame;
    }
    auto& last = m_last_data;
    if (last.copies >= m_estimate.extra_copies() || !is_urgent(static_cast<size_t>(last.channel)) ||
        last.channel == SerialChannel::Link || !m_flights.has_room() || send_of(last.channel).has_all_of(last.range))
        return {};
    ++last.copies;
    uint8_t payload[wire::serial_max_payload];
    send_of(last.channel).copy_again(last.range, payload + wire::serial_offset_size);
    return put_range(last.channel, last.range, payload);
}

/// `payload` has room for the place before the range's bytes.
std::span<const uint8_t> Link::put_range(SerialChannel channel, Range range, std::span<uint8_t> payload) {
    payload[0] = static_cast<uint8_t>(range.begin);
    payload[1] = static_cast<uint8_t>(range.begin >> 8);
    m_statistics.data_sent += range.size();
    auto frame = put_in_session({.channel = channel,
                                 .sequence = m_flights.next_sequence(),
                                 .payload = payload.first(wire::serial_offset_size + range.size())});
    m_flights.add(channel, range, frame.size(), m_now);
    m_retry_base = m_now;
    return frame;
}

} // namespace serial
