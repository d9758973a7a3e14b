#include "tracer/link/GdbProxy.h"

#include <algorithm>
#include <utility>

namespace tracer {

namespace {

constexpr std::string_view detach_packet = "$D#44";

GdbProxy::Bytes as_bytes(std::string_view text) {
    return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

bool is_resume(std::string_view payload) {
    if (payload.starts_with("vCont"))
        return payload.starts_with("vCont;");
    return !payload.empty() && std::string_view("cCsSR").find(payload.front()) != std::string_view::npos;
}

bool is_detach(std::string_view payload) {
    return payload == "D" || payload.starts_with("D;") || payload == "k" || payload.starts_with("vKill");
}

bool is_stop_reply(std::string_view payload) {
    return !payload.empty() && std::string_view("TSWXN").find(payload.front()) != std::string_view::npos;
}

} // namespace

template <typename Visitor>
void GdbProxy::Splitter::push(Bytes bytes, Visitor visit) {
    for (const uint8_t byte : bytes) {
        const char letter = static_cast<char>(byte);
        if (m_unit.empty()) {
            if (letter == '$' || letter == '%') {
                m_unit = letter;
                m_checksum_digits = -1;
            } else if (letter == '+' || letter == '-' || letter == '\x03' || letter == heartbeat)
                visit(std::string_view(&letter, 1));
            continue; // anything else between packets is noise
        }
        if (letter == '$' && m_checksum_digits < 0)
            m_unit.clear(); // a sender that starts over; '$' in a payload is escaped
        m_unit += letter;
        if (m_checksum_digits > 0)
            --m_checksum_digits;
        else if (letter == '#')
            m_checksum_digits = 2;
        if (m_checksum_digits == 0) {
            const std::string unit = std::exchange(m_unit, {});
            m_checksum_digits = -1;
            visit(std::string_view(unit));
        } else if (m_unit.size() > max_unit)
            m_unit.clear();
    }
}

void GdbProxy::client_attached() {
    m_state = State::Attached;
    m_from_client.reset();
    m_outstanding = 0;
    m_spoke = m_running = m_halted = m_no_ack = m_no_ack_requested = m_detach_requested = m_detached = false;
    m_nmi_sent = m_client_beats = false;
    m_deadline.reset();
    m_next_heartbeat.reset();
}

std::optional<GdbProxy::Time> GdbProxy::deadline() const {
    if (m_deadline && m_next_heartbeat)
        return std::min(*m_deadline, *m_next_heartbeat);
    return m_deadline ? m_deadline : m_next_heartbeat;
}

/// Sends a heartbeat if one is due, and sees to it that the next one is, or that none is any more.
void GdbProxy::beat(Time now) {
    if (!holds_target() || m_client_beats) {
        m_next_heartbeat.reset();
        return;
    }
    if (m_next_heartbeat && now < *m_next_heartbeat)
        return;
    m_next_heartbeat = now + heartbeat_interval;
    m_outputs.to_stub(as_bytes(std::string_view(&heartbeat, 1)));
}

void GdbProxy::client_bytes(Bytes bytes, Time now) {
    if (m_state == State::Attached) {
        // What comes together goes on together: on a link with frames each piece is one.
        std::string units;
        m_from_client.push(bytes, [&](std::string_view unit) {
            client_unit(unit, now);
            units += unit;
        });
        if (!units.empty())
            m_outputs.to_stub(as_bytes(units));
    }
    beat(now);
}

void GdbProxy::client_unit(std::string_view unit, Time now) {
    if (unit.front() == heartbeat)
        m_client_beats = true;
    if (unit == "\x03") {
        m_deadline = now + patience;
        m_nmi_sent = false;
    } else if (unit.front() == '$')
        client_packet(unit.substr(1, unit.size() - 4), now);
}

void GdbProxy::client_packet(std::string_view payload, Time now) {
    m_spoke = true;
    m_detached = false;
    if (is_resume(payload)) {
        m_running = true;
        m_halted = false;
        return;
    }
    if (payload == "k") {
        m_detached = true; // never answered
        return;
    }
    ++m_outstanding;
    if (!m_halted && !m_running && !m_deadline) {
        // The first packet stops the target, unless its interrupts are off.
        m_deadline = now + patience;
        m_nmi_sent = false;
    }
    m_detach_requested = is_detach(payload);
    m_no_ack_requested = payload == "QStartNoAckMode";
}

void GdbProxy::stub_bytes(Bytes bytes, Time now) {
    m_from_stub.push(bytes, [&](std::string_view unit) {
        if (unit.front() == heartbeat)
            return; // noise: a stub sends none
        if (m_state == State::Attached)
            m_outputs.to_client(as_bytes(unit));
        if (unit.front() == '$') {
            if (m_state == State::Leaving && !m_no_ack)
                m_outputs.to_stub(as_bytes("+"));
            stub_packet(unit.substr(1, unit.size() - 4));
        } else if (unit == "-" && m_state == State::Leaving)
            m_outputs.to_stub(as_bytes(detach_packet));
    });
    beat(now);
}

void GdbProxy::stub_packet(std::string_view payload) {
    if (m_state == State::Attached && !m_running)
        m_deadline.reset();
    if (is_stop_reply(payload)) {
        m_deadline = m_state == State::Leaving ? m_deadline : std::nullopt;
        m_halted = true;
        const bool ended = payload.front() == 'W' || payload.front() == 'X';
        if (!m_running && m_outstanding > 0)
            --m_outstanding; // the answer to `?`
        m_running = false;
        if (ended) {
            m_halted = false;
            m_detached = true;
            if (m_state == State::Leaving)
                become_free();
        }
        return;
    }
    if (payload.starts_with('O') && payload != "OK" && m_running)
        return; // console output of a running target
    if (m_running && m_outstanding == 0) {
        m_running = false; // the stub refused to resume
        m_halted = true;
        return;
    }
    if (m_outstanding > 0)
        --m_outstanding;
    if (m_outstanding > 0)
        return;
    if (m_state == State::Leaving) {
        if (m_detach_requested)
            become_free();
        else
            m_detach_requested = true; // that was the vanished client's answer; the next one is ours
        return;
    }
    if (payload == "OK" && m_no_ack_requested)
        m_no_ack = true;
    if (payload == "OK" && m_detach_requested) {
        m_detached = true;
        m_halted = false;
    }
    m_no_ack_requested = m_detach_requested = false;
}

void GdbProxy::client_gone(Time now) {
    if (m_state != State::Attached)
        return;
    if (!m_spoke || m_detached) {
        become_free();
        return;
    }
    m_state = State::Leaving;
    if (!m_no_ack)
        m_outputs.to_stub(as_bytes("+")); // a reply that the client took to its grave
    // When a reply to the client is still to come, the answer to our packet is the one after it.
    m_detach_requested = m_outstanding == 0;
    m_running = false;
    m_nmi_sent = false;
    m_deadline = now + patience;
    m_next_heartbeat.reset();
    m_outputs.to_stub(as_bytes(detach_packet));
}

bool GdbProxy::stub_gone() {
    const bool owed = m_state == State::Leaving || (m_state == State::Attached && m_spoke && !m_detached);
    m_state = State::Free;
    m_from_stub.reset();
    m_halted = false;
    m_deadline.reset();
    m_next_heartbeat.reset();
    return owed;
}

void GdbProxy::take_leave(Time now) {
    client_attached();
    m_spoke = true;
    client_gone(now);
}

void GdbProxy::on_deadline(Time now) {
    if (m_deadline && now >= *m_deadline)
        on_patience_ended(now);
    beat(now);
}

void GdbProxy::on_patience_ended(Time now) {
    if (!m_nmi_sent) {
        m_nmi_sent = true;
        m_deadline = now + patience_after_nmi;
        m_outputs.inject_nmi();
        return;
    }
    m_deadline.reset();
    if (m_state == State::Leaving)
        become_free();
}

void GdbProxy::become_free() {
    m_state = State::Free;
    m_halted = false;
    m_deadline.reset();
    m_next_heartbeat.reset();
    if (m_outputs.on_free)
        m_outputs.on_free();
}

} // namespace tracer
