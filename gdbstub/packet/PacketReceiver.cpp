#include "gdbstub/packet/PacketReceiver.h"

#include "gdbstub/packet/Hex.h"
#include "libos/base/Assert.h"

namespace gdbstub {

PacketReceiver::Event PacketReceiver::push(uint8_t byte) {
    if (m_state == State::Held || m_backlog_begin != m_backlog_end) {
        keep(byte);
        return Event::None;
    }
    return consume(byte);
}

PacketReceiver::Event PacketReceiver::replay() {
    while (m_state != State::Held && m_backlog_begin != m_backlog_end)
        if (Event event = consume(m_buffer[m_backlog_begin++]); event != Event::None)
            return event;
    return Event::None;
}

void PacketReceiver::release() {
    ASSERT(m_state == State::Held);
    m_state = State::Idle;
    m_length = 0;
    m_too_long = false;
}

void PacketReceiver::reset() {
    m_state = State::Idle;
    m_length = 0;
    m_too_long = false;
    m_backlog_begin = m_backlog_end = 0;
}

PacketReceiver::Event PacketReceiver::consume(uint8_t byte) {
    switch (m_state) {
    case State::Idle:
        switch (byte) {
        case '$':
            begin_packet();
            return Event::None;
        case '+':
            return Event::Acknowledged;
        case '-':
            return Event::Rejected;
        case 0x03:
            return Event::Interrupt;
        case heartbeat:
            return Event::Heartbeat;
        default:
            return Event::None;
        }
    case State::Body:
    case State::Escape:
        // Neither '$' nor '#' occurs inside of a packet, escaped or not. A '$' starts anew what broke off before it.
        if (byte == '$') {
            begin_packet();
        } else if (byte == '#') {
            m_state = State::ChecksumHigh;
        } else {
            m_sum = static_cast<uint8_t>(m_sum + byte);
            if (m_state == State::Escape) {
                append(byte ^ 0x20);
                m_state = State::Body;
            } else if (byte == '}') {
                m_state = State::Escape;
            } else {
                append(byte);
            }
        }
        return Event::None;
    case State::ChecksumHigh:
    case State::ChecksumLow: {
        if (byte == '$') {
            begin_packet();
            return Event::None;
        }
        int digit = hex_digit_value(static_cast<char>(byte));
        if (digit < 0) {
            m_state = State::Idle;
            return Event::BadPacket;
        }
        m_expected_sum = static_cast<uint8_t>(m_expected_sum << 4 | digit);
        if (m_state == State::ChecksumHigh) {
            m_state = State::ChecksumLow;
            return Event::None;
        }
        if (m_expected_sum != m_sum) {
            m_state = State::Idle;
            return Event::BadPacket;
        }
        m_state = State::Held;
        if (m_too_long)
            m_length = 0;
        if (m_backlog_begin == m_backlog_end)
            m_backlog_begin = m_backlog_end = m_length;
        return Event::Packet;
    }
    case State::Held:
        break;
    }
    ASSERT(false);
}

void PacketReceiver::begin_packet() {
    m_state = State::Body;
    m_length = 0;
    m_too_long = false;
    m_sum = 0;
    m_expected_sum = 0;
}

void PacketReceiver::append(uint8_t byte) {
    if (m_length < m_buffer.size())
        m_buffer[m_length++] = byte;
    else
        m_too_long = true;
}

void PacketReceiver::keep(uint8_t byte) {
    // What finds no room is lost: its packet's checksum will be wrong, and gdb sends it again.
    if (m_backlog_end < m_buffer.size())
        m_buffer[m_backlog_end++] = byte;
}

} // namespace gdbstub
