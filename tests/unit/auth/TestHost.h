#pragma once
// The host's side of a handshake, written from docs/control-protocol.md with the tools of a test: each message can be
// had, changed and sent by itself.

#include "libos/auth/BearsslPrimitives.h"
#include "libos/auth/GuardedChannel.h"

#include <optional>
#include <string>
#include <vector>

namespace auth::test {

struct KeyPair {
    /// The same one for each name.
    static KeyPair make(const std::string& name);
    /// "ROLE:KEY:NAME" of the kernel's command line.
    std::string word(std::string_view role) const;

    std::string name;
    Scalar secret;
    CompressedPoint key;
    KeyId id;
};

Signature sign(const Scalar& secret, const Digest& digest);

/// Predictable, and counts what it was asked for.
class TestPrimitives final : public Primitives {
public:
    base::Result<> random(std::span<std::byte> out) override;
    base::Result<Point> public_key(const Scalar& secret) override;
    base::Result<Digest> agree(const Scalar& secret, const Point& peer_untrusted) override;
    base::Result<> verify(const CompressedPoint& key_untrusted, const Digest& digest,
                          const Signature& signature_untrusted) override;

    bool has_entropy = true;
    bool repeats_itself = false;
    unsigned verified = 0;

private:
    RandomPool m_pool{{[]() -> std::optional<uint64_t> { return std::nullopt; }, []() -> uint64_t { return 0; }}};
    BearsslPrimitives m_real{m_pool};
    uint64_t m_drawn = 0;
};

class TestHost {
public:
    TestHost(const KeyPair& key, wire::ChannelKind channel, wire::Role role,
             wire::Protection protection = wire::Protection::None);

    wire::HandshakeHello hello;
    std::optional<wire::HandshakeChallenge> challenge;
    wire::HandshakeProof proof{};
    std::optional<wire::HandshakeAccept> accept;
    std::optional<wire::HandshakeRefuse> refusal;

    /// Takes messages off the front of what the guest said; returns what is left.
    std::vector<std::byte> take(Bytes bytes);
    /// Signs what hello and challenge say.
    void make_proof();
    /// The session keys, and whether the guest's confirmation is right.
    bool agree();

    RecordSealer sealer;
    RecordOpener opener;

    /// What the records in `bytes` say; nullopt when one is forged.
    std::optional<std::string> open(Bytes bytes);
    std::vector<std::byte> seal(std::string_view text);

private:
    KeyPair m_key;
    Scalar m_ephemeral;
    TestPrimitives m_primitives;
};

template <typename T>
Bytes bytes_of_value(const T& value) {
    return std::as_bytes(std::span(&value, 1));
}

} // namespace auth::test
