#pragma once
// Handshake: who is at the other end, and since when (docs/serial-link.md, "Sessions").
//
// The host says Hello until the guest has answered; the guest speaks when spoken to, once when it starts, and when it
// hears frames of a session that it does not know. A session is the pair of both nonces: whoever restarts has a new
// one, and by that ends the session for the other. Pure state; the owner puts Hellos on the line and says the time.

#include "probes/serial/Frame.h"

namespace serial {

class Handshake {
public:
    constexpr Handshake(SerialRole role, bool plain_allowed)
        : m_role(role)
        , m_plain_allowed(plain_allowed) {}

    /// From nothing. `entropy` differs between any two runs of either side.
    void start(uint64_t entropy, Time now);
    /// No session and none wanted.
    void stop() {
        m_running = m_up = m_hello_wanted = false;
        m_peer_nonce = 0;
    }

    struct Change {
        bool went_down = false;
        bool went_up = false;    ///< after it went down, if both
        bool peer_heard = false; ///< it is the session's peer that spoke
    };
    Change on_hello(std::span<const uint8_t> payload_untrusted);
    /// A frame of the session: whoever sends it knows both nonces.
    Change on_session_frame();
    /// Bytes that were a frame, but none of a session known here.
    void on_damage(Time now);
    /// The session is over: the peer said Bye, or nothing for too long.
    Change drop();

    /// Whether to send make_hello() now; asking counts as sending.
    bool take_hello_due(Time now);
    Time deadline() const;
    wire::SerialHello make_hello() const; ///< without windows

    bool is_up() const { return m_up; }
    Encoding encoding() const {
        return m_plain_allowed && (m_peer_encodings & wire::SerialPlainAllowed) != 0 ? Encoding::Plain
                                                                                     : Encoding::Escaped;
    }
    /// Of the session, or of the one that will be if the peer agrees; nothing before a peer was heard.
    std::optional<uint32_t> seed_of(SerialRole sender) const;
    size_t peer_window(size_t channel) const { return size_t{1} << m_peer_windows[channel - 1]; }
    /// Both nonces: names the session.
    uint64_t session() const {
        auto mine = uint64_t{m_nonce}, other = uint64_t{m_peer_nonce};
        return !m_up ? 0 : is_host() ? mine << 32 | other : other << 32 | mine;
    }
    uint8_t peer_version() const { return m_peer_version; } ///< 0: not heard

    static constexpr Time quick_interval = 100'000; ///< between Hellos, the first quick_count of them
    static constexpr Time slow_interval = 500'000;
    static constexpr unsigned quick_count = 100; ///< a bad line lets few of them through

private:
    void choose_nonce();
    bool is_host() const { return m_role == SerialRole::Host; }

    SerialRole m_role;
    bool m_plain_allowed;
    bool m_running = false;
    bool m_up = false;
    bool m_hello_wanted = false;
    uint8_t m_peer_version = 0;
    uint8_t m_peer_encodings = 0;
    uint32_t m_nonce = 0;
    uint32_t m_peer_nonce = 0; // 0: not heard
    uint64_t m_random = 0;
    unsigned m_hellos = 0; // since the session ended
    Time m_last_hello = 0;
    uint8_t m_peer_windows[wire::serial_channel_count - 1] = {};
};

} // namespace serial
