#include "libos/auth/Handshake.h"

#include "libos/base/Assert.h"

#include <algorithm>
#include <cstring>

namespace auth {

namespace {

using wire::HandshakeHeader;
using wire::HandshakeType;
using wire::RefuseReason;

template <typename T>
Bytes bytes_of_value(const T& value) {
    return std::as_bytes(std::span(&value, 1));
}

template <typename Array, size_t N>
void copy_in(Array& to, const uint8_t (&from)[N]) {
    static_assert(sizeof(Array) == N);
    std::memcpy(to.data(), from, N);
}

template <typename Array, size_t N>
void copy_out(uint8_t (&to)[N], const Array& from) {
    static_assert(sizeof(Array) == N);
    std::memcpy(to, from.data(), N);
}

/// With its terminating 0.
template <size_t N>
Bytes label(const char (&text)[N]) {
    return std::as_bytes(std::span(text));
}

template <size_t N>
Bytes info(const char (&text)[N]) {
    return std::as_bytes(std::span(text)).first(N - 1);
}

bool is_zero(std::span<const uint8_t> bytes) {
    return std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte == 0; });
}

bool is_role(uint8_t role_untrusted) {
    return role_untrusted <= static_cast<uint8_t>(wire::Role::Operator);
}

/// What a Hello asks for. Its role was checked.
wire::Role role_wanted(const wire::HandshakeHello& hello, const EnrolledKey& key) {
    auto role = static_cast<wire::Role>(hello.role);
    return role == wire::Role::None ? key.role : role;
}

constexpr wire::Protection stronger(wire::Protection a, wire::Protection b) {
    return std::max(a, b);
}

/// Failures of which many may be an attack. The others are so only after a challenge, which is dear to make.
bool is_counted(RefuseReason reason) {
    return reason != RefuseReason::Version && reason != RefuseReason::NoEntropy && reason != RefuseReason::RateLimited;
}

} // namespace

// --- Job -------------------------------------------------------------------------------------------------------------

Handshake::Job::~Job() {
    wipe(m_secret);
    wipe(m_agreement.host_to_guest);
    wipe(m_agreement.guest_to_host);
}

void Handshake::Job::perform(Primitives& primitives) {
    if (m_has_proof)
        check_proof(primitives);
    else
        make_challenge(primitives);
}

void Handshake::Job::make_challenge(Primitives& primitives) {
    std::array<std::byte, wire::nonce_size> nonce;
    auto drawn = primitives.random(nonce);
    // One in 2^32 secrets is out of range.
    for (bool done = false; drawn && !done;) {
        drawn = primitives.random(m_secret);
        if (!drawn)
            break;
        if (auto point = primitives.public_key(m_secret)) {
            copy_out(m_challenge.ephemeral, *point);
            done = true;
        }
    }
    if (!drawn) {
        m_refused = RefuseReason::NoEntropy;
        return;
    }
    copy_out(m_challenge.nonce, nonce);
}

void Handshake::Job::check_proof(Primitives& primitives) {
    Signature signature_untrusted;
    copy_in(signature_untrusted, m_proof.signature);
    Point peer_untrusted;
    copy_in(peer_untrusted, m_hello.ephemeral);
    Digest signed_digest = sha256({label(wire::signature_label), bytes_of_value(m_hello), bytes_of_value(m_challenge)});
    if (!primitives.verify(m_key->key, signed_digest, signature_untrusted)) {
        m_refused = RefuseReason::Signature;
        return;
    }
    // The peer is who it says. That its ephemeral key is a point at all is still to be seen.
    auto shared = primitives.agree(m_secret, peer_untrusted);
    if (!shared) {
        m_refused = RefuseReason::Malformed;
        return;
    }
    m_agreement.role = role_wanted(m_hello, *m_key);
    m_agreement.protection = static_cast<wire::Protection>(m_challenge.protection);
    m_agreement.key = m_key;
    Digest salt = sha256(
        {label(wire::keys_label), bytes_of_value(m_hello), bytes_of_value(m_challenge), bytes_of_value(m_proof)});
    Digest confirmation_key;
    hkdf_sha256(salt, *shared, info(wire::host_to_guest_info), m_agreement.host_to_guest);
    hkdf_sha256(salt, *shared, info(wire::guest_to_host_info), m_agreement.guest_to_host);
    hkdf_sha256(salt, *shared, info(wire::confirmation_info), confirmation_key);

    m_accept.header = handshake_header<wire::HandshakeAccept>(HandshakeType::Accept,
                                                              static_cast<wire::ChannelKind>(m_hello.header.channel));
    m_accept.role = static_cast<uint8_t>(m_agreement.role);
    m_accept.protection = m_challenge.protection;
    Digest confirmation = hmac_sha256(confirmation_key, {bytes_of_value(m_accept)});
    std::memcpy(m_accept.confirmation, confirmation.data(), sizeof(m_accept.confirmation));
    wipe(*shared);
    wipe(confirmation_key);
}

// --- Handshake -------------------------------------------------------------------------------------------------------

size_t Handshake::wanted() const {
    if (!output().empty())
        return 0;
    size_t size = 0;
    if (m_phase == Phase::Listening)
        size = sizeof(wire::HandshakeHello);
    else if (m_phase == Phase::AwaitingProof)
        size = sizeof(wire::HandshakeProof);
    else
        return 0;
    return (m_input_size < sizeof(HandshakeHeader) ? sizeof(HandshakeHeader) : size) - m_input_size;
}

/// Takes bytes off the front of the input until it begins like a message. True if it was one all along.
bool Handshake::skip_noise() {
    constexpr uint32_t magic = wire::handshake_magic;
    size_t start = 0;
    while (start < m_input_size &&
           std::memcmp(m_input + start, &magic, std::min(m_input_size - start, sizeof(magic))) != 0)
        ++start;
    std::memmove(m_input, m_input + start, m_input_size - start);
    m_input_size -= start;
    return start == 0;
}

void Handshake::push(const Setup& setup, Bytes bytes_untrusted, uint64_t now) {
    ASSERT(bytes_untrusted.size() <= wanted());
    if (m_phase == Phase::AwaitingProof && now >= m_proof_deadline)
        reset(now);
    std::memcpy(m_input + m_input_size, bytes_untrusted.data(), bytes_untrusted.size());
    m_input_size += bytes_untrusted.size();

    bool was_noise = !skip_noise();
    if (was_noise && m_phase == Phase::AwaitingProof)
        return refuse(setup, RefuseReason::Malformed, now);
    if (m_input_size < sizeof(HandshakeHeader))
        return;
    HandshakeHeader header;
    std::memcpy(&header, m_input, sizeof(header));
    if (m_phase == Phase::AwaitingProof && header.type == static_cast<uint8_t>(HandshakeType::Hello)) {
        // Another host on a line that does not tell one from the next.
        m_backoff.note_failure(now);
        listen();
    }
    bool awaits_proof = m_phase == Phase::AwaitingProof;
    size_t size = awaits_proof ? sizeof(wire::HandshakeProof) : sizeof(wire::HandshakeHello);
    auto type = awaits_proof ? HandshakeType::Proof : HandshakeType::Hello;
    if (header.version != wire::handshake_version)
        refuse(setup, RefuseReason::Version, now);
    else if (header.type != static_cast<uint8_t>(type) || header.length != size - sizeof(header))
        refuse(setup, RefuseReason::Malformed, now);
    else if (header.channel != static_cast<uint8_t>(setup.channel))
        refuse(setup, RefuseReason::Channel, now);
    else if (m_input_size == size && awaits_proof)
        take_proof();
    else if (m_input_size == size)
        take_hello(setup, now);
}

void Handshake::take_hello(const Setup& setup, uint64_t now) {
    std::memcpy(&m_hello, m_input, sizeof(m_hello));
    KeyId id;
    copy_in(id, m_hello.key_id);
    m_key = setup.keys.find(id);
    if (m_backoff.wait_ns(now) != 0)
        return refuse(setup, RefuseReason::RateLimited, now);
    if (!is_role(m_hello.role) || m_hello.protection > static_cast<uint8_t>(wire::Protection::Mac) ||
        !is_zero(m_hello.reserved) || !is_zero(m_hello.reserved_too))
        return refuse(setup, RefuseReason::Malformed, now);
    if (m_key == nullptr)
        return refuse(setup, RefuseReason::UnknownKey, now);
    if (role_wanted(m_hello, *m_key) > m_key->role)
        return refuse(setup, RefuseReason::Role, now);
    if (role_wanted(m_hello, *m_key) < wire::minimum_role(setup.channel))
        return refuse(setup, RefuseReason::Channel, now);

    m_challenge = {};
    m_challenge.header = handshake_header<wire::HandshakeChallenge>(HandshakeType::Challenge, setup.channel);
    m_challenge.protection =
        static_cast<uint8_t>(stronger(setup.protection, static_cast<wire::Protection>(m_hello.protection)));
    copy_out(m_challenge.build_id, setup.identity.build_id);
    copy_out(m_challenge.instance_id, setup.identity.instance_id);
    m_input_size = 0;
    m_phase = Phase::ChallengeDue;
    ++m_generation;
}

void Handshake::take_proof() {
    std::memcpy(&m_proof, m_input, sizeof(m_proof));
    m_input_size = 0;
    m_phase = Phase::VerificationDue;
    ++m_generation;
}

std::optional<Handshake::Job> Handshake::take_job() const {
    if (!is_job_due())
        return std::nullopt;
    Job job;
    job.m_generation = m_generation;
    job.m_hello = m_hello;
    job.m_challenge = m_challenge;
    job.m_key = m_key;
    if (m_phase == Phase::VerificationDue) {
        job.m_has_proof = true;
        job.m_proof = m_proof;
        job.m_secret = m_secret;
    }
    return job;
}

void Handshake::commit(const Setup& setup, const Job& job, uint64_t now) {
    if (!is_job_due() || job.m_generation != m_generation)
        return;
    if (job.m_refused)
        return refuse(setup, *job.m_refused, now);
    ++m_generation;
    if (m_phase == Phase::ChallengeDue) {
        m_challenge = job.m_challenge;
        m_secret = job.m_secret;
        m_phase = Phase::AwaitingProof;
        m_proof_deadline = now + proof_timeout_ns;
        send(m_challenge);
        return;
    }
    m_agreement = job.m_agreement;
    wipe(m_secret);
    m_backoff.note_success();
    m_phase = Phase::Accepted;
    send(job.m_accept);
}

std::optional<RefusedAttempt> Handshake::take_refusal() {
    auto refusal = m_refusal;
    m_refusal.reset();
    return refusal;
}

void Handshake::reset(uint64_t now) {
    if (has_challenged())
        m_backoff.note_failure(now);
    listen();
    m_input_size = 0;
    m_output_size = m_output_sent = 0;
}

void Handshake::listen() {
    m_phase = Phase::Listening;
    ++m_generation;
    wipe(m_secret);
    wipe(m_agreement.host_to_guest);
    wipe(m_agreement.guest_to_host);
    m_agreement = {};
    m_key = nullptr;
    m_hello = {};
}

void Handshake::refuse(const Setup& setup, RefuseReason reason, uint64_t now) {
    RefusedAttempt attempt{setup.channel, reason, static_cast<wire::Role>(m_hello.role), {}, m_key};
    copy_in(attempt.key_id, m_hello.key_id);
    m_refusal = attempt;
    uint64_t wait_ns = m_backoff.wait_ns(now);
    if ((is_counted(reason) || has_challenged()) && wait_ns == 0)
        m_backoff.note_failure(now);
    m_input_size = 0;
    listen();

    wire::HandshakeRefuse message{};
    message.header = handshake_header<wire::HandshakeRefuse>(HandshakeType::Refuse, setup.channel);
    message.reason = static_cast<uint8_t>(reason);
    message.oldest_version = wire::oldest_handshake_version;
    message.newest_version = wire::handshake_version;
    if (reason == RefuseReason::RateLimited)
        message.wait_ms = static_cast<uint32_t>((wait_ns + 999'999) / 1'000'000);
    send(message);
}

template <typename Message>
void Handshake::send(const Message& message) {
    static_assert(sizeof(message) <= sizeof(m_output));
    std::memcpy(m_output, &message, sizeof(message));
    m_output_size = sizeof(message);
    m_output_sent = 0;
}

} // namespace auth
