#pragma once
// Layer 1, inwards: bytes become packets. Knows framing, checksums and escapes, and nothing of what packets mean.
//
// Format: GDB manual, "Overview" of the protocol ("$data#checksum", '+', '-', 0x03) and "Binary Data" ('}' escapes).

#include <cstddef>
#include <cstdint>
#include <span>

namespace gdbstub {

/// Owns nothing: packets are put together in the caller's buffer. Bytes that arrive while a finished packet waits to be
/// dealt with are kept behind it in the same buffer, as far as there is room, and replayed afterwards.
/// Costs a few instructions a byte; never waits. Callers see to it that only one of them is in here at a time.
class PacketReceiver {
public:
    enum class Event : uint8_t {
        None,
        /// A packet with the right checksum is held: see packet().
        Packet,
        /// A packet with a wrong or malformed checksum was dropped.
        BadPacket,
        /// 0x03 outside of a packet: Ctrl-C.
        Interrupt,
        Acknowledged,
        Rejected,
        /// `heartbeat` outside of a packet.
        Heartbeat,
    };
    /// ASCII SYN, "synchronous idle": what a client, or a proxy on its behalf, sends from time to time between packets
    /// to say that it is still there. Not GDB's: other stubs skip it, as they skip all noise between packets.
    static constexpr uint8_t heartbeat = 0x16;

    constexpr explicit PacketReceiver(std::span<uint8_t> buffer)
        : m_buffer(buffer) {}

    Event push(uint8_t byte);

    bool holds_packet() const { return m_state == State::Held; }
    /// The packet's data without framing, escapes undone. Empty if it was too long for the buffer.
    std::span<const uint8_t> packet() const { return m_buffer.first(m_length); }
    bool packet_too_long() const { return m_too_long; }

    /// Done with the packet. Then call replay() until it returns Event::None or holds the next packet.
    void release();
    Event replay();

    /// Forgets everything, as if nothing had arrived: the link is gone.
    void reset();

private:
    enum class State : uint8_t { Idle, Body, Escape, ChecksumHigh, ChecksumLow, Held };

    Event consume(uint8_t byte);
    void begin_packet();
    void append(uint8_t byte);
    void keep(uint8_t byte);

    std::span<uint8_t> m_buffer;
    size_t m_length = 0;
    /// Unread bytes behind the packet. Replaying writes to the buffer's front what it reads further back: a byte that
    /// is stored was read before, so the two never meet.
    size_t m_backlog_begin = 0;
    size_t m_backlog_end = 0;
    State m_state = State::Idle;
    bool m_too_long = false;
    uint8_t m_sum = 0;
    uint8_t m_expected_sum = 0;
};

} // namespace gdbstub
