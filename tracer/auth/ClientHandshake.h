#pragma once
// The host's side of the handshake (docs/control-protocol.md): bytes in, bytes out, no I/O.

#include "tracer/auth/FrameSearch.h"
#include "tracer/auth/Key.h"

#include <optional>
#include <vector>

namespace tracer {

/// What an accepted handshake has agreed on.
struct Agreement {
    wire::Role role = wire::Role::None;
    wire::Protection protection = wire::Protection::None;
    std::array<uint8_t, wire::build_id_size> build_id{};
    std::array<uint8_t, wire::instance_id_size> instance_id{};
    Digest host_to_guest{}; ///< session keys
    Digest guest_to_host{};
};

class ClientHandshake {
public:
    struct Wish {
        wire::ChannelKind channel = wire::ChannelKind::Gdb;
        wire::Role role = wire::Role::Operator;               ///< None: whichever the key has
        wire::Protection protection = wire::Protection::None; ///< at least; the instance may demand more
    };

    /// `key` lives as long. Draws a nonce and an ephemeral key; output() is the first message.
    static Result<ClientHandshake> begin(const PrivateKey& key, const Wish& wish);

    /// What is to be sent now; taken.
    std::vector<uint8_t> take_output() { return std::exchange(m_output, {}); }
    /// How many bytes of the instance may be pushed at most, so that what stands behind the handshake is left alone.
    size_t wanted() const;
    /// Fails when what comes is no handshake, or not with this peer. Noise before a message is skipped, up to a limit.
    Result<> push(std::span<const uint8_t> bytes_untrusted);

    const std::optional<Agreement>& agreement() const { return m_agreement; }
    const std::optional<wire::HandshakeRefuse>& refusal() const { return m_refusal; }
    /// Bytes that were no message's.
    size_t skipped() const { return m_skipped; }
    /// Among them was the beginning of a frame: an instance that is open, on a control, trace or crash channel.
    bool saw_frame() const { return m_frames.found(); }

private:
    ClientHandshake(const PrivateKey& key, PrivateKey ephemeral)
        : m_key(key)
        , m_ephemeral(std::move(ephemeral)) {}
    bool is_granted(uint8_t role_untrusted) const;
    void skip_noise();
    Result<> take_message(const wire::HandshakeHeader& header);
    Result<> take_challenge();
    Result<> take_accept();

    const PrivateKey& m_key;
    PrivateKey m_ephemeral;
    Wish m_wish;
    wire::HandshakeHello m_hello{};
    std::optional<wire::HandshakeChallenge> m_challenge;
    wire::HandshakeProof m_proof{};
    std::optional<Agreement> m_agreement;
    std::optional<wire::HandshakeRefuse> m_refusal;
    std::vector<uint8_t> m_input;
    std::vector<uint8_t> m_output;
    size_t m_skipped = 0;
    FrameSearch m_frames;
};

} // namespace tracer
