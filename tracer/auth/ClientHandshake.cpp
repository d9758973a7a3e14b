#include "tracer/auth/ClientHandshake.h"

#include "tracer/auth/Hash.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace tracer {

namespace {

using wire::HandshakeHeader;
using wire::HandshakeType;

constexpr size_t max_noise = 1 << 20;

template <typename Message>
HandshakeHeader header_of(HandshakeType type, wire::ChannelKind channel) {
    return {wire::handshake_magic, wire::handshake_version, static_cast<uint8_t>(type), static_cast<uint8_t>(channel),
            sizeof(Message) - sizeof(HandshakeHeader)};
}

/// With its terminating 0.
template <size_t N>
ByteSpan label(const char (&text)[N]) {
    return {reinterpret_cast<const uint8_t*>(text), N};
}

size_t size_of(HandshakeType type) {
    switch (type) {
    case HandshakeType::Challenge:
        return sizeof(wire::HandshakeChallenge);
    case HandshakeType::Accept:
        return sizeof(wire::HandshakeAccept);
    case HandshakeType::Refuse:
        return sizeof(wire::HandshakeRefuse);
    case HandshakeType::Hello:
    case HandshakeType::Proof:
        break;
    }
    return 0;
}

std::unexpected<Error> no_handshake() {
    return fail("what answers does not keep to the handshake", "Is it an instance of Uniscope, and a channel of it?");
}

} // namespace

Result<ClientHandshake> ClientHandshake::begin(const PrivateKey& key, const Wish& wish) {
    ClientHandshake handshake(key, TRY(PrivateKey::make()));
    handshake.m_wish = wish;
    wire::HandshakeHello& hello = handshake.m_hello;
    hello.header = header_of<wire::HandshakeHello>(HandshakeType::Hello, wish.channel);
    hello.role = static_cast<uint8_t>(wish.role);
    hello.protection = static_cast<uint8_t>(wish.protection);
    std::ranges::copy(key.public_key().id(), hello.key_id);
    std::ranges::copy(handshake.m_ephemeral.point(), hello.ephemeral);
    TRY(fill_random(hello.nonce));
    const ByteSpan bytes = span_of(hello);
    handshake.m_output.assign(bytes.begin(), bytes.end());
    return handshake;
}

size_t ClientHandshake::wanted() const {
    if (m_agreement || m_refusal)
        return 0;
    if (m_input.size() < sizeof(HandshakeHeader))
        return sizeof(HandshakeHeader) - m_input.size();
    HandshakeHeader header;
    std::memcpy(&header, m_input.data(), sizeof header);
    return sizeof header + header.length - m_input.size(); // the length was checked when it came
}

void ClientHandshake::skip_noise() {
    const auto magic = span_of(wire::handshake_magic);
    size_t start = 0;
    while (start < m_input.size() &&
           std::memcmp(&m_input[start], magic.data(), std::min(m_input.size() - start, magic.size())) != 0)
        ++start;
    m_frames.finds(ByteSpan(m_input).first(start));
    m_input.erase(m_input.begin(), m_input.begin() + static_cast<ptrdiff_t>(start));
    m_skipped += start;
}

Result<> ClientHandshake::push(std::span<const uint8_t> bytes_untrusted) {
    m_input.insert(m_input.end(), bytes_untrusted.begin(), bytes_untrusted.end());
    skip_noise();
    if (m_skipped > max_noise)
        return no_handshake();
    if (m_input.size() < sizeof(HandshakeHeader))
        return {};
    HandshakeHeader header;
    std::memcpy(&header, m_input.data(), sizeof header);
    const size_t size = size_of(static_cast<HandshakeType>(header.type));
    if (header.channel != static_cast<uint8_t>(m_wish.channel) || size != sizeof header + header.length)
        return no_handshake();
    if (m_input.size() < size)
        return {};
    auto taken = take_message(header);
    m_input.clear();
    return taken;
}

Result<> ClientHandshake::take_message(const HandshakeHeader& header) {
    switch (static_cast<HandshakeType>(header.type)) {
    case HandshakeType::Refuse:
        std::memcpy(&m_refusal.emplace(), m_input.data(), sizeof *m_refusal);
        return {};
    case HandshakeType::Challenge:
        if (!m_challenge && header.version == wire::handshake_version)
            return take_challenge();
        break;
    case HandshakeType::Accept:
        if (m_challenge && header.version == wire::handshake_version)
            return take_accept();
        break;
    case HandshakeType::Hello:
    case HandshakeType::Proof:
        break;
    }
    return no_handshake();
}

bool ClientHandshake::is_granted(uint8_t role_untrusted) const {
    const auto role = static_cast<wire::Role>(role_untrusted);
    return m_wish.role == wire::Role::None ? role >= wire::Role::Tracer && role <= wire::Role::Operator
                                           : role == m_wish.role;
}

Result<> ClientHandshake::take_challenge() {
    std::memcpy(&m_challenge.emplace(), m_input.data(), sizeof *m_challenge);
    if (m_challenge->protection > static_cast<uint8_t>(wire::Protection::Mac) ||
        m_challenge->protection < m_hello.protection)
        return no_handshake();
    m_proof.header = header_of<wire::HandshakeProof>(HandshakeType::Proof, m_wish.channel);
    const Signature signature =
        m_key.sign(sha256({label(wire::signature_label), span_of(m_hello), span_of(*m_challenge)}));
    std::ranges::copy(signature, m_proof.signature);
    const ByteSpan bytes = span_of(m_proof);
    m_output.assign(bytes.begin(), bytes.end());
    return {};
}

Result<> ClientHandshake::take_accept() {
    wire::HandshakeAccept accept;
    std::memcpy(&accept, m_input.data(), sizeof accept);
    Point peer_untrusted;
    std::ranges::copy(m_challenge->ephemeral, peer_untrusted.begin());
    const auto shared = m_ephemeral.agree(peer_untrusted);
    if (!shared)
        return no_handshake();
    const Digest salt = sha256({label(wire::keys_label), span_of(m_hello), span_of(*m_challenge), span_of(m_proof)});
    const auto derive = [&](std::string_view info) { return hkdf_sha256(salt, *shared, span_of(info)); };

    wire::HandshakeAccept unconfirmed = accept;
    std::ranges::fill(unconfirmed.confirmation, 0);
    const Digest confirmation = hmac_sha256(derive(wire::confirmation_info), {span_of(unconfirmed)});
    if (!equal_in_constant_time(ByteSpan(confirmation).first(wire::mac_size), accept.confirmation) ||
        !is_granted(accept.role) || accept.protection != m_challenge->protection)
        return fail("what answers is not who made the challenge", "Somebody else writes to this line.");

    Agreement& agreement = m_agreement.emplace();
    agreement.role = static_cast<wire::Role>(accept.role);
    agreement.protection = static_cast<wire::Protection>(accept.protection);
    std::ranges::copy(m_challenge->build_id, agreement.build_id.begin());
    std::ranges::copy(m_challenge->instance_id, agreement.instance_id.begin());
    agreement.host_to_guest = derive(wire::host_to_guest_info);
    agreement.guest_to_host = derive(wire::guest_to_host_info);
    return {};
}

} // namespace tracer
