#pragma once
// Handshake: the guest's side of docs/control-protocol.md on one channel. A state machine without I/O, clock or lock:
// bytes in, bytes out, the time as an argument.
//
// The arithmetic takes milliseconds, so it is a job apart: take_job() copies what it needs, Job::perform() computes
// without touching the machine, commit() takes the result in, unless the machine has gone on meanwhile. So a CPU that
// was stopped in perform() does not keep the stopped world's leader from doing the same job.
//
// Nothing of what a peer sends is believed before commit() of a verified signature.

#include "libos/auth/Backoff.h"
#include "libos/auth/KeyRing.h"
#include "libos/auth/Primitives.h"

#include <cstdint>
#include <optional>

namespace auth {

/// Which instance this is.
struct Identity {
    std::array<std::byte, wire::build_id_size> build_id{};
    std::array<std::byte, wire::instance_id_size> instance_id{};
};

/// What a successful handshake has agreed on. Holds secrets: wipe it.
struct Agreement {
    wire::Role role = wire::Role::None;
    wire::Protection protection = wire::Protection::None;
    const EnrolledKey* key = nullptr; ///< in the key ring
    Digest host_to_guest{};           ///< session keys
    Digest guest_to_host{};
};

/// An attempt that failed.
struct RefusedAttempt {
    wire::ChannelKind channel = wire::ChannelKind::Console;
    wire::RefuseReason reason = wire::RefuseReason::Malformed;
    wire::Role wanted = wire::Role::None;
    KeyId key_id{};                   ///< as claimed; zeros if it did not come to that
    const EnrolledKey* key = nullptr; ///< if that one is enrolled
};

class Handshake {
public:
    struct Setup {
        wire::ChannelKind channel;
        wire::Protection protection; ///< what the link needs at least
        const KeyRing& keys;
        const Identity& identity;
    };

    static constexpr uint64_t proof_timeout_ns = 10'000'000'000;

    class Job {
    public:
        Job() = default;
        Job(const Job&) = default;
        ~Job();
        /// Thread context, or the leader of the stopped world; about 1.5 KiB of stack besides what `primitives` needs.
        void perform(Primitives& primitives);

    private:
        friend class Handshake;
        void make_challenge(Primitives& primitives);
        void check_proof(Primitives& primitives);

        uint32_t m_generation = 0;
        wire::HandshakeHello m_hello{};
        wire::HandshakeChallenge m_challenge{};
        wire::HandshakeProof m_proof{};
        Scalar m_secret{};
        bool m_has_proof = false;
        const EnrolledKey* m_key = nullptr;
        // Results.
        std::optional<wire::RefuseReason> m_refused;
        Agreement m_agreement;
        wire::HandshakeAccept m_accept{};
    };

    constexpr Handshake() = default;
    Handshake(const Handshake&) = delete;
    Handshake& operator=(const Handshake&) = delete;

    /// How many bytes may be read from the peer and pushed now. 0 while a job or output is due, and when it is over:
    /// what the peer has sent behind the handshake stays where it is.
    size_t wanted() const;
    /// At most wanted() bytes.
    void push(const Setup& setup, Bytes bytes_untrusted, uint64_t now);

    bool is_job_due() const { return m_phase == Phase::ChallengeDue || m_phase == Phase::VerificationDue; }
    /// nullopt when none is due.
    std::optional<Job> take_job() const;
    void commit(const Setup& setup, const Job& job, uint64_t now);

    /// What is to be sent next; then tell how much of it was.
    Bytes output() const { return Bytes(m_output).subspan(m_output_sent, m_output_size - m_output_sent); }
    void sent(size_t count) { m_output_sent += count; }

    /// Set once the peer has been accepted, until reset().
    const Agreement* agreement() const { return m_phase == Phase::Accepted ? &m_agreement : nullptr; }
    /// The attempt that was refused since the last call.
    std::optional<RefusedAttempt> take_refusal();

    /// The connection is another one, or the session is over. A peer that leaves before it has proved who it is has
    /// failed.
    void reset(uint64_t now);

private:
    enum class Phase : uint8_t { Listening, ChallengeDue, AwaitingProof, VerificationDue, Accepted };

    void take_hello(const Setup& setup, uint64_t now);
    void take_proof();
    bool skip_noise();
    bool has_challenged() const { return m_phase == Phase::AwaitingProof || m_phase == Phase::VerificationDue; }
    void refuse(const Setup& setup, wire::RefuseReason reason, uint64_t now);
    void listen();
    template <typename Message>
    void send(const Message& message);

    Phase m_phase = Phase::Listening;
    uint32_t m_generation = 0; ///< of the phase: a job of another one is stale
    Backoff m_backoff;
    uint64_t m_proof_deadline = 0;
    std::byte m_input[wire::max_handshake_message] = {};
    size_t m_input_size = 0;
    std::byte m_output[wire::max_handshake_message] = {};
    size_t m_output_size = 0;
    size_t m_output_sent = 0;
    wire::HandshakeHello m_hello{};
    wire::HandshakeChallenge m_challenge{};
    wire::HandshakeProof m_proof{};
    Scalar m_secret{};
    const EnrolledKey* m_key = nullptr;
    Agreement m_agreement;
    std::optional<RefusedAttempt> m_refusal;
};

/// HandshakeHeader of a message of this version.
template <typename Message>
constexpr wire::HandshakeHeader handshake_header(wire::HandshakeType type, wire::ChannelKind channel) {
    return {wire::handshake_magic, wire::handshake_version, static_cast<uint8_t>(type), static_cast<uint8_t>(channel),
            sizeof(Message) - sizeof(wire::HandshakeHeader)};
}

} // namespace auth
