#pragma once
// Any bytes at all on a guarded channel, and any order of what can happen around it. Nobody gets a byte of the owner's,
// nor a byte to it, without a proof that the primitives have found right.
//
// The first byte says which channel it is and how it is protected. Then come steps: a byte that says what, a byte with
// a length or a position, and what follows.

#include "libos/auth/GuardedChannel.h"
#include "libos/base/Assert.h"
#include "tests/unit/auth/FakeLine.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <vector>

namespace auth::test {

inline uint64_t g_fuzz_now = 0;

/// What the driver has of an enrolled host.
struct FuzzHost {
    Primitives& primitives;
    std::string_view key_word; ///< for the key ring
    Point ephemeral;
    Signature (*sign)(const Digest& digest);
};

/// Counts the proofs that were found right.
class CountingPrimitives final : public Primitives {
public:
    explicit CountingPrimitives(Primitives& real)
        : m_real(real) {}
    base::Result<> random(std::span<std::byte> out) override { return m_real.random(out); }
    base::Result<Point> public_key(const Scalar& secret) override { return m_real.public_key(secret); }
    base::Result<Digest> agree(const Scalar& secret, const Point& peer) override { return m_real.agree(secret, peer); }
    base::Result<> verify(const CompressedPoint& key, const Digest& digest, const Signature& signature) override {
        auto verified = m_real.verify(key, digest, signature);
        right_proofs += verified.has_value();
        return verified;
    }
    unsigned right_proofs = 0;

private:
    Primitives& m_real;
};

class Driver {
public:
    Driver(const FuzzHost& host, std::span<const uint8_t> data)
        : m_host(host)
        , m_data(data)
        , m_primitives(host.primitives) {
        ASSERT(m_gate.keys.add_word(host.key_word));
        g_fuzz_now = 0;
    }

    void run() {
        uint8_t mode = next();
        m_kind = static_cast<wire::ChannelKind>(1 + mode % 4);
        GuardedChannel channel(m_kind, m_gate);
        channel.start(m_line, (mode & 4) != 0 ? wire::Protection::Mac : wire::Protection::None);
        while (!m_data.empty()) {
            step(channel, next());
            check(channel);
        }
    }

private:
    void step(GuardedChannel& channel, uint8_t what) {
        switch (what % 12) {
        case 0:
            return m_line.send(some());
        case 1:
            return send_hello();
        case 2:
            return send_proof();
        case 3:
        case 4:
            return channel.advance();
        case 5:
            m_line.stopped = true;
            ASSERT(channel.poll_stopped());
            m_line.stopped = false;
            return;
        case 6:
            return m_line.replace_host();
        case 7:
            g_fuzz_now += uint64_t{next()} << next() % 32;
            return;
        case 8:
            return write(channel);
        case 9:
            return read(channel);
        case 10:
            return channel.end_session();
        case 11:
            m_line.capacity = next();
            return;
        }
    }

    void send_hello() {
        m_hello = {};
        m_hello.header = handshake_header<wire::HandshakeHello>(wire::HandshakeType::Hello, m_kind);
        m_hello.role = static_cast<uint8_t>(wire::Role::Operator);
        std::memcpy(m_hello.key_id, m_gate.keys.keys()[0].id.data(), sizeof(m_hello.key_id));
        std::memcpy(m_hello.ephemeral, m_host.ephemeral.data(), sizeof(m_hello.ephemeral));
        send_changed(m_hello);
    }

    /// Over whatever challenge came last.
    void send_proof() {
        hear();
        wire::HandshakeProof proof{};
        proof.header = handshake_header<wire::HandshakeProof>(wire::HandshakeType::Proof, m_kind);
        Digest digest = sha256({std::as_bytes(std::span(wire::signature_label)), std::as_bytes(std::span(&m_hello, 1)),
                                std::as_bytes(std::span(&m_challenge, 1))});
        Signature signature = m_host.sign(digest);
        std::memcpy(proof.signature, signature.data(), sizeof(proof.signature));
        send_changed(proof);
    }

    /// With one byte changed, or none.
    template <typename Message>
    void send_changed(const Message& message) {
        Message changed = message;
        uint8_t position = next();
        if (position < sizeof(changed))
            reinterpret_cast<uint8_t*>(&changed)[position] ^= next();
        m_line.send(std::as_bytes(std::span(&changed, 1)));
    }

    void hear() {
        auto heard = m_line.receive();
        constexpr uint32_t magic = wire::handshake_magic;
        for (size_t at = 0; at + sizeof(m_challenge) <= heard.size(); ++at) {
            if (std::memcmp(&heard[at], &magic, sizeof(magic)) == 0)
                std::memcpy(&m_challenge, &heard[at], sizeof(m_challenge));
        }
    }

    void write(GuardedChannel& channel) {
        hear();
        bool was_in = channel.session().has_value();
        static constexpr std::string_view secret = "the owner's own bytes";
        auto written = channel.write_some(std::as_bytes(std::span(secret)));
        auto heard = m_line.receive();
        auto found = std::search(heard.begin(), heard.end(), std::as_bytes(std::span(secret)).begin(),
                                 std::as_bytes(std::span(secret)).end());
        ASSERT(was_in || (!written && found == heard.end()));
    }

    void read(GuardedChannel& channel) {
        std::byte bytes[100];
        bool was_in = channel.session().has_value();
        size_t count = channel.read(bytes);
        ASSERT(count == 0 || was_in);
    }

    void check(GuardedChannel& channel) {
        bool is_in = channel.session().has_value();
        ASSERT(is_in == (channel.role() != wire::Role::None));
        // Each proof lets in once.
        if (is_in && channel.connection() != m_connection)
            ASSERT(m_primitives.right_proofs > m_proofs_used);
        if (channel.connection() != m_connection) {
            m_connection = channel.connection();
            m_proofs_used = m_primitives.right_proofs;
        }
        ASSERT(!is_in || m_proofs_used > 0);
    }

    uint8_t next() {
        if (m_data.empty())
            return 0;
        uint8_t byte = m_data.front();
        m_data = m_data.subspan(1);
        return byte;
    }
    std::vector<std::byte> some() {
        size_t size = std::min<size_t>(next(), m_data.size());
        auto bytes = std::as_bytes(m_data.first(size));
        m_data = m_data.subspan(size);
        return {bytes.begin(), bytes.end()};
    }

    const FuzzHost& m_host;
    std::span<const uint8_t> m_data;
    CountingPrimitives m_primitives;
    Gate m_gate{m_primitives, [] { return g_fuzz_now; }};
    FakeLine m_line;
    wire::ChannelKind m_kind = wire::ChannelKind::Gdb;
    wire::HandshakeHello m_hello{};
    wire::HandshakeChallenge m_challenge{};
    uint32_t m_connection = 0;
    unsigned m_proofs_used = 0;
};

} // namespace auth::test
