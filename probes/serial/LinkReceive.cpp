// What comes from the line.
#include "probes/serial/Link.h"

#include <algorithm>
#include <climits>

namespace serial {

using wire::SerialAckEntry;

void Link::receive(std::span<const uint8_t> bytes_untrusted, Time now) {
    m_now = now;
    m_receiver.receive(bytes_untrusted, now, *this);
}

void Link::on_frame(const Frame& frame) {
    ++m_statistics.frames_received;
    if (frame.message == SerialMessage::Hello) {
        auto change = m_handshake.on_hello(frame.payload);
        if (change.peer_heard)
            m_silent_intervals = 0;
        apply(change);
        return;
    }
    apply(m_handshake.on_session_frame());
    m_silent_intervals = 0;
    m_estimate.note_sign_of_life();
    switch (frame.message) {
    case SerialMessage::Data:
        on_data(frame);
        break;
    case SerialMessage::Ack:
        on_ack(frame);
        break;
    case SerialMessage::Ping:
        m_arrivals.add(frame.sequence, true);
        m_ack_channels = all_channels;
        want_ack(true);
        break;
    case SerialMessage::Bye:
        apply(m_handshake.drop());
        break;
    case SerialMessage::Hello:
        break;
    }
}

void Link::on_damage() {
    ++m_statistics.frames_damaged;
    m_handshake.on_damage(m_now);
}

/// A session has begun, or ended, or another one taken its place.
void Link::apply(Handshake::Change change) {
    if (change.went_down || change.went_up) {
        m_connection += (change.went_down ? 1 : 0) + (change.went_up ? 1 : 0);
        m_changes = all_channels;
        for (size_t i = 1; i < channel_count; ++i) {
            m_send[i].reset(m_handshake.peer_window(i));
            m_receive[i].reset();
            m_promised[i] = m_receive[i].limit();
            m_passed_over[i] = 0;
        }
        m_flights.reset();
        m_arrivals.reset();
        m_ack_at = no_deadline;
        m_unacknowledged = m_ack_channels = m_ack_channels_before = 0;
        m_ack_copies = UINT_MAX;
        m_retry = false;
        m_last_data = {};
        m_retry_base = m_last_sent = m_now;
        m_push_interval = 0;
        m_silence_check = m_now + keepalive_interval;
        m_silent_intervals = 0;
        // The host's first frame tells the guest that the session is up. What was learned of the line stays true.
        m_ping_wanted = change.went_up && m_role == SerialRole::Host;
    }
    if (auto seed = m_handshake.seed_of(m_role == SerialRole::Host ? SerialRole::Guest : SerialRole::Host))
        m_receiver.begin_session(*seed, m_handshake.encoding());
    else
        m_receiver.end_session();
}

void Link::on_data(const Frame& frame) {
    if (frame.payload.size() <= wire::serial_offset_size)
        return;
    auto place = static_cast<Place>(frame.payload[0] | frame.payload[1] << 8);
    auto& stream = receive_of(frame.channel);
    size_t before = stream.readable();
    auto verdict = stream.accept(place, frame.payload.subspan(wire::serial_offset_size));
    if (stream.readable() != before)
        m_changes |= 1u << static_cast<unsigned>(frame.channel);
    m_arrivals.add(frame.sequence, verdict == ReceiveStream::Verdict::Taken);
    m_ack_channels |= 1u << static_cast<unsigned>(frame.channel);
    // Somebody waits for gdb's and control's; a gap wants to be filled; and long before all that may be under way is,
    // the peer has to hear.
    constexpr unsigned enough = 4;
    ++m_unacknowledged;
    want_ack(is_urgent(static_cast<size_t>(frame.channel)) || m_arrivals.take_new_gap() || m_unacknowledged >= enough);
}

void Link::want_ack(bool at_once) {
    m_ack_at = std::min(m_ack_at, at_once ? m_now : m_now + ack_delay);
}

void Link::on_ack(const Frame& frame) {
    auto payload = frame.payload;
    if (payload.empty())
        return;
    size_t entries_size = payload[0] * sizeof(SerialAckEntry);
    auto rest = payload.subspan(1);
    if (rest.size() < entries_size || rest.size() - entries_size > wire::serial_ack_history / 8)
        return;

    unsigned named = 0;
    for (size_t at = 0; at < entries_size; at += sizeof(SerialAckEntry)) {
        size_t channel = rest[at];
        auto next = static_cast<Place>(rest[at + 1] | rest[at + 2] << 8);
        auto limit = static_cast<Place>(rest[at + 3] | rest[at + 4] << 8);
        if (channel == 0 || channel >= channel_count)
            continue; // of a later version
        auto& stream = m_send[channel];
        size_t room = stream.room();
        bool was_blocked = stream.is_blocked();
        if (!stream.acknowledge(next, limit))
            continue;
        named |= 1u << channel;
        if (stream.room() != room) {
            m_changes |= 1u << channel;
            m_retry_base = m_now;
            m_push_interval = 0;
        }
        if (was_blocked && !stream.is_blocked())
            m_push_interval = 0;
    }

    auto decide = [&](const Flights::Flight& flight, bool arrived) {
        m_estimate.note_frame(flight.line_bytes, arrived);
        m_statistics.frames_lost += arrived ? 0 : 1;
        if (flight.given_up)
            return;
        m_retry_base = m_now;
        if (arrived)
            return;
        if (flight.channel == SerialChannel::Link)
            m_ping_wanted = true;
        else
            send_of(flight.channel).lose(flight.range);
    };
    if (auto sent_at = m_flights.acknowledge(frame.sequence, rest.subspan(entries_size), decide))
        m_estimate.note_round_trip(m_now - *sent_at);

    // Nothing is under way, so what these channels lack is lost. That the bit mask did not say so means that numbers
    // came round while nothing arrived for a long time.
    for (size_t i = 1; i < channel_count && m_flights.is_empty(); ++i) {
        if ((named >> i & 1) != 0)
            m_send[i].lose_rest();
    }
}

} // namespace serial
