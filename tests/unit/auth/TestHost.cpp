#include "tests/unit/auth/TestHost.h"

#include <bearssl_ec.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace auth::test {

namespace {

template <typename Array, size_t N>
void put(uint8_t (&to)[N], const Array& from) {
    static_assert(sizeof(Array) == N);
    std::memcpy(to, from.data(), N);
}

std::string base64url(Bytes bytes) {
    static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string text;
    for (size_t bit = 0; bit < bytes.size() * 8; bit += 6) {
        unsigned value = 0;
        for (size_t i = bit; i < bit + 6; ++i)
            value =
                value << 1 | (i < bytes.size() * 8 ? std::to_integer<unsigned>(bytes[i / 8]) >> (7 - i % 8) & 1 : 0);
        text += digits[value];
    }
    return text;
}

Bytes text_bytes(std::string_view text) {
    return std::as_bytes(std::span(text));
}

} // namespace

KeyPair KeyPair::make(const std::string& name) {
    KeyPair pair;
    pair.name = name;
    pair.secret = sha256({text_bytes("a test's key"), text_bytes(name)});
    TestPrimitives primitives;
    pair.key = compress(primitives.public_key(pair.secret).value());
    pair.id = id_of(pair.key);
    return pair;
}

std::string KeyPair::word(std::string_view role) const {
    return std::string(role) + ":" + base64url(key) + ":" + name;
}

Signature sign(const Scalar& secret, const Digest& digest) {
    Scalar copy = secret;
    br_ec_private_key key{BR_EC_secp256r1, reinterpret_cast<unsigned char*>(copy.data()), copy.size()};
    Signature signature;
    if (br_ecdsa_i31_sign_raw(&br_ec_p256_m31, &br_sha256_vtable, digest.data(), &key, signature.data()) !=
        signature.size())
        std::abort();
    return signature;
}

base::Result<> TestPrimitives::random(std::span<std::byte> out) {
    if (!has_entropy)
        return base::fail(base::Error::NoData);
    Digest drawn = sha256({bytes_of_value(m_drawn)});
    if (!repeats_itself)
        ++m_drawn;
    std::copy_n(drawn.begin(), out.size(), out.begin());
    return {};
}

base::Result<Point> TestPrimitives::public_key(const Scalar& secret) {
    return m_real.public_key(secret);
}

base::Result<Digest> TestPrimitives::agree(const Scalar& secret, const Point& peer_untrusted) {
    return m_real.agree(secret, peer_untrusted);
}

base::Result<> TestPrimitives::verify(const CompressedPoint& key_untrusted, const Digest& digest,
                                      const Signature& signature_untrusted) {
    ++verified;
    return m_real.verify(key_untrusted, digest, signature_untrusted);
}

TestHost::TestHost(const KeyPair& key, wire::ChannelKind channel, wire::Role role, wire::Protection protection)
    : hello{}
    , m_key(key)
    , m_ephemeral(sha256({text_bytes("ephemeral"), text_bytes(key.name), bytes_of_value(channel)})) {
    hello.header = handshake_header<wire::HandshakeHello>(wire::HandshakeType::Hello, channel);
    hello.role = static_cast<uint8_t>(role);
    hello.protection = static_cast<uint8_t>(protection);
    put(hello.key_id, key.id);
    put(hello.nonce, sha256({text_bytes("nonce"), m_ephemeral}));
    put(hello.ephemeral, m_primitives.public_key(m_ephemeral).value());
}

std::vector<std::byte> TestHost::take(Bytes bytes) {
    auto take_message = [&bytes](auto& message) {
        if (bytes.size() < sizeof(*message))
            return false;
        std::memcpy(&message.emplace(), bytes.data(), sizeof(*message));
        bytes = bytes.subspan(sizeof(*message));
        return true;
    };
    while (bytes.size() >= sizeof(wire::HandshakeHeader)) {
        wire::HandshakeHeader header;
        std::memcpy(&header, bytes.data(), sizeof(header));
        if (header.magic != wire::handshake_magic)
            break;
        bool taken = header.type == static_cast<uint8_t>(wire::HandshakeType::Challenge) ? take_message(challenge)
                     : header.type == static_cast<uint8_t>(wire::HandshakeType::Accept)
                         ? take_message(accept)
                         : header.type == static_cast<uint8_t>(wire::HandshakeType::Refuse) && take_message(refusal);
        if (!taken)
            break;
    }
    return {bytes.begin(), bytes.end()};
}

void TestHost::make_proof() {
    proof.header = handshake_header<wire::HandshakeProof>(wire::HandshakeType::Proof,
                                                          static_cast<wire::ChannelKind>(hello.header.channel));
    Digest digest = sha256(
        {std::as_bytes(std::span(wire::signature_label)), bytes_of_value(hello), bytes_of_value(challenge.value())});
    put(proof.signature, sign(m_key.secret, digest));
}

bool TestHost::agree() {
    Point peer;
    std::memcpy(peer.data(), challenge->ephemeral, peer.size());
    Digest shared = m_primitives.agree(m_ephemeral, peer).value();
    Digest salt = sha256({std::as_bytes(std::span(wire::keys_label)), bytes_of_value(hello), bytes_of_value(*challenge),
                          bytes_of_value(proof)});
    auto derive = [&](std::string_view info) {
        Digest key;
        hkdf_sha256(salt, shared, text_bytes(info), key);
        return key;
    };
    sealer.start(derive("host to guest"));
    opener.start(derive("guest to host"));
    wire::HandshakeAccept unconfirmed = accept.value();
    std::memset(unconfirmed.confirmation, 0, sizeof(unconfirmed.confirmation));
    Digest confirmation = hmac_sha256(derive("confirmation"), {bytes_of_value(unconfirmed)});
    return std::memcmp(confirmation.data(), accept->confirmation, sizeof(accept->confirmation)) == 0;
}

std::optional<std::string> TestHost::open(Bytes bytes) {
    std::string text;
    while (!bytes.empty() && opener.wanted() != 0) {
        size_t count = std::min(bytes.size(), opener.wanted());
        auto outcome = opener.push(bytes.first(count));
        bytes = bytes.subspan(count);
        if (outcome == RecordOpener::Outcome::Forged)
            return std::nullopt;
        std::byte some[wire::max_record_payload];
        size_t taken = opener.take(some);
        text.append(reinterpret_cast<const char*>(some), taken);
    }
    return text;
}

std::vector<std::byte> TestHost::seal(std::string_view text) {
    sealer.seal(text_bytes(text));
    std::vector<std::byte> record(sealer.pending().begin(), sealer.pending().end());
    sealer.sent(record.size());
    return record;
}

} // namespace auth::test
