#pragma once
// The two halves of a connection's flow control (Virtual I/O Device 1.2, section 5.10.6.3): how much may be sent, and
// what the peer is told about this side's buffer. All counts are modulo 2^32.

#include <algorithm>
#include <cstdint>

namespace vsock {

class SendCredit {
public:
    void start(uint32_t peer_size_untrusted, uint32_t peer_forwarded_untrusted) {
        m_sent = 0;
        learn(peer_size_untrusted, peer_forwarded_untrusted);
    }
    /// From every packet of the peer. Whatever it says, available() is at most what it says its buffer has.
    void learn(uint32_t peer_size_untrusted, uint32_t peer_forwarded_untrusted) {
        m_size = peer_size_untrusted;
        m_forwarded = peer_forwarded_untrusted;
    }
    /// Bytes that the peer has room for. A peer that claims to have forwarded more than was sent gets nothing.
    uint32_t available() const {
        uint32_t unread = m_sent - m_forwarded;
        return unread < m_size ? m_size - unread : 0;
    }
    void spend(uint32_t bytes) { m_sent += bytes; }
    void give_back(uint32_t bytes) { m_sent -= bytes; }

private:
    uint32_t m_sent = 0;
    uint32_t m_size = 0;
    uint32_t m_forwarded = 0;
};

class ReceiveCredit {
public:
    void start(uint32_t size) { *this = {}, m_size = size; }
    void set_size(uint32_t size) { m_size = size; }
    uint32_t size() const { return m_size; }
    uint32_t forwarded() const { return m_forwarded; }
    /// Bytes left the buffer.
    void forward(uint32_t bytes) { m_forwarded += bytes; }
    /// A packet with forwarded() in it goes out.
    void announce() { m_announced = m_forwarded; }
    /// Whether the peer should hear of it although there is nothing else to say: from a quarter of the buffer on, so
    /// that a stream never stops for it and small packets do not each cause another.
    bool is_worth_announcing() const { return m_forwarded - m_announced >= std::max(m_size / 4, uint32_t{1}); }

private:
    uint32_t m_size = 0;
    uint32_t m_forwarded = 0;
    uint32_t m_announced = 0;
};

} // namespace vsock
