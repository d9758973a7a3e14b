#include "probes/serial/Handshake.h"

#include <algorithm>
#include <cstring>

namespace serial {

using wire::SerialHello;

void Handshake::start(uint64_t entropy, Time now) {
    m_random = entropy;
    m_running = true;
    m_up = false;
    m_peer_nonce = 0;
    m_peer_version = 0;
    m_hellos = 0;
    m_last_hello = now;
    m_hello_wanted = true;
    choose_nonce();
}

/// A step of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
void Handshake::choose_nonce() {
    uint32_t before = m_nonce;
    do {
        m_random += 0x9e3779b97f4a7c15;
        uint64_t value = m_random;
        value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
        value = (value ^ value >> 27) * 0x94d049bb133111eb;
        m_nonce = static_cast<uint32_t>(value >> 32);
    } while (m_nonce == 0 || m_nonce == before);
}

Handshake::Change Handshake::drop() {
    Change change{.went_down = m_up};
    m_up = false;
    m_peer_nonce = 0;
    m_hellos = 0;
    // The peer may still think that the session goes on: another nonce ends it there. And no session ever is twice.
    choose_nonce();
    m_hello_wanted = m_running && is_host();
    return change;
}

Handshake::Change Handshake::on_hello(std::span<const uint8_t> payload_untrusted) {
    SerialHello hello;
    if (!m_running || payload_untrusted.size() < sizeof(hello)) // a later version may append
        return {};
    std::memcpy(&hello, payload_untrusted.data(), sizeof(hello));
    auto other = is_host() ? SerialRole::Guest : SerialRole::Host;
    if (hello.version == 0 || hello.role != static_cast<uint8_t>(other) || hello.nonce == 0)
        return {};
    bool knows_me = hello.peer_nonce == m_nonce;
    if (m_up && hello.nonce == m_peer_nonce) {
        if (!is_host())
            m_hello_wanted = true; // the answer was lost
        else if (!knows_me)
            return drop(); // the guest gave the session up
        return {.peer_heard = true};
    }
    Change change;
    if (m_up) {
        change = drop();
        knows_me = false; // it is another now
    }
    m_peer_version = hello.version;
    m_peer_nonce = hello.nonce;
    m_peer_encodings = hello.encodings;
    for (size_t i = 0; i < std::size(hello.windows); ++i)
        m_peer_windows[i] = std::min<uint8_t>(hello.windows[i], wire::serial_max_window_shift);
    m_up = change.went_up = knows_me;
    // The host's part ends here, its next frame tells the guest. The guest answers every Hello.
    m_hello_wanted = !m_up || !is_host();
    return change;
}

Handshake::Change Handshake::on_session_frame() {
    if (m_up || m_peer_nonce == 0)
        return {};
    m_up = true;
    m_hello_wanted = false;
    return {.went_up = true};
}

void Handshake::on_damage(Time now) {
    if (m_running && !m_up && !is_host() && now >= m_last_hello + quick_interval)
        m_hello_wanted = true;
}

bool Handshake::take_hello_due(Time now) {
    if (!m_hello_wanted && now < deadline())
        return false;
    m_hello_wanted = false;
    m_last_hello = now;
    ++m_hellos;
    return true;
}

Time Handshake::deadline() const {
    if (!m_running || m_up || !is_host())
        return no_deadline;
    return m_last_hello + (m_hellos <= quick_count ? quick_interval : slow_interval);
}

SerialHello Handshake::make_hello() const {
    return {.version = wire::serial_version,
            .role = static_cast<uint8_t>(m_role),
            .encodings = static_cast<uint8_t>(m_plain_allowed ? wire::SerialPlainAllowed : 0),
            .windows = {},
            .nonce = m_nonce,
            .peer_nonce = m_peer_nonce};
}

std::optional<uint32_t> Handshake::seed_of(SerialRole sender) const {
    if (m_peer_nonce == 0)
        return std::nullopt;
    return is_host() ? wire::serial_seed(m_nonce, m_peer_nonce, sender)
                     : wire::serial_seed(m_peer_nonce, m_nonce, sender);
}

} // namespace serial
