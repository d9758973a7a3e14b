// Peers that want in and may not.

#include <gtest/gtest.h>

#include "tests/unit/auth/Bench.h"

namespace auth::test {
namespace {

using wire::Protection;
using wire::RefuseReason;

template <typename Message>
void flip(Message& message, size_t byte) {
    reinterpret_cast<uint8_t*>(&message)[byte] ^= static_cast<uint8_t>(1u << byte % 8);
}

/// Nothing of the stub may have been reached.
void expect_shut(Bench& bench) {
    EXPECT_FALSE(bench.channel.is_host_connected());
    EXPECT_FALSE(bench.channel.session());
    bench.line.send(as_bytes(std::span("+$g#67", 6)));
    EXPECT_EQ(bench.read(), "");
    auto answer = bench.write("secret");
    EXPECT_EQ(text_of(answer).find("secret"), std::string::npos);
}

TEST(Hostile, AnotherKeysSignature) {
    Bench bench;
    TestHost host(bench.mallory, gdb, operator_role);
    std::memcpy(host.hello.key_id, bench.alice.id.data(), sizeof(host.hello.key_id));
    EXPECT_FALSE(bench.log_in(host));
    EXPECT_EQ(host.refusal.value().reason, static_cast<uint8_t>(RefuseReason::Signature));
    EXPECT_EQ(bench.log, std::vector<std::string>{"refused 7 alice"});
    expect_shut(bench);
}

TEST(Hostile, AReplayOfARecordedHandshake) {
    Bench bench;
    TestHost host(bench.alice, gdb, operator_role);
    ASSERT_TRUE(bench.log_in(host));
    bench.line.replace_host();
    TestHost replay = TestHost(bench.mallory, gdb, operator_role);
    bench.exchange(replay, bytes_of_value(host.hello));
    ASSERT_TRUE(replay.challenge);
    bench.exchange(replay, bytes_of_value(host.proof));
    EXPECT_EQ(replay.refusal.value().reason, static_cast<uint8_t>(RefuseReason::Signature));
    expect_shut(bench);
}

TEST(Hostile, AReplayToAnotherInstanceOrChannel) {
    Bench first;
    TestHost host(first.alice, gdb, operator_role);
    ASSERT_TRUE(first.log_in(host));
    // A twin that draws the same numbers, and is told apart by its identity alone.
    Bench twin;
    twin.gate.identity.instance_id[0] = std::byte{0xff};
    TestHost replay(twin.mallory, gdb, operator_role);
    twin.exchange(replay, bytes_of_value(host.hello));
    ASSERT_TRUE(replay.challenge);
    EXPECT_EQ(std::memcmp(replay.challenge->nonce, host.challenge->nonce, sizeof(replay.challenge->nonce)), 0);
    twin.exchange(replay, bytes_of_value(host.proof));
    EXPECT_TRUE(replay.refusal);
    expect_shut(twin);

    Bench control(wire::ChannelKind::Control);
    TestHost wrong(control.mallory, wire::ChannelKind::Control, operator_role);
    control.exchange(wrong, bytes_of_value(host.hello));
    EXPECT_EQ(wrong.refusal.value().reason, static_cast<uint8_t>(RefuseReason::Channel));
    expect_shut(control);
    // And with the channel's number changed on the way.
    g_now += 1'000'000'000;
    auto changed = host.hello;
    changed.header.channel = static_cast<uint8_t>(wire::ChannelKind::Control);
    TestHost again(control.mallory, wire::ChannelKind::Control, operator_role);
    control.exchange(again, bytes_of_value(changed));
    ASSERT_TRUE(again.challenge);
    auto proof = host.proof;
    proof.header.channel = changed.header.channel;
    control.exchange(again, bytes_of_value(proof));
    EXPECT_TRUE(again.refusal);
    expect_shut(control);
}

TEST(Hostile, AHostThatUsesItsNonceAgainGivesNothingAway) {
    Bench bench;
    TestHost host(bench.alice, gdb, operator_role);
    ASSERT_TRUE(bench.log_in(host));
    bench.line.replace_host();
    TestHost again(bench.alice, gdb, operator_role); // draws the same nonce and ephemeral key
    EXPECT_EQ(std::memcmp(again.hello.nonce, host.hello.nonce, sizeof(host.hello.nonce)), 0);
    ASSERT_TRUE(bench.log_in(again)); // the key's owner may
    EXPECT_NE(std::memcmp(again.proof.signature, host.proof.signature, sizeof(host.proof.signature)), 0);
}

TEST(Hostile, ARoleThatWasNotSigned) {
    Bench bench;
    TestHost host(bench.alice, gdb, observer_role);
    // Somebody between the two raises what the operator did not ask for.
    auto raised = host.hello;
    raised.role = static_cast<uint8_t>(operator_role);
    bench.exchange(host, bytes_of_value(raised));
    host.make_proof();
    bench.exchange(host, bytes_of_value(host.proof));
    EXPECT_TRUE(host.refusal);
    expect_shut(bench);
    for (uint8_t role : {4, 255}) {
        Bench other;
        TestHost odd(other.alice, gdb, operator_role);
        odd.hello.role = role;
        EXPECT_FALSE(other.log_in(odd));
        EXPECT_EQ(odd.refusal.value().reason, static_cast<uint8_t>(RefuseReason::Malformed));
    }
}

TEST(Hostile, NoByteOfAHelloMayBeAnother) {
    for (size_t byte = 0; byte < sizeof(wire::HandshakeHello); ++byte) {
        Bench bench;
        TestHost host(bench.alice, gdb, operator_role);
        auto changed = host.hello;
        flip(changed, byte);
        bench.exchange(host, bytes_of_value(changed));
        if (host.challenge) {
            host.make_proof();
            bench.exchange(host, bytes_of_value(host.proof));
        }
        EXPECT_FALSE(host.accept) << byte;
        EXPECT_FALSE(bench.channel.is_host_connected()) << byte;
    }
}

TEST(Hostile, NoByteOfAChallengeMayBeAnother) {
    for (size_t byte = 0; byte < sizeof(wire::HandshakeChallenge); ++byte) {
        Bench bench;
        TestHost host(bench.alice, gdb, operator_role);
        bench.exchange(host, bytes_of_value(host.hello));
        flip(host.challenge.value(), byte);
        host.make_proof();
        bench.exchange(host, bytes_of_value(host.proof));
        EXPECT_FALSE(host.accept) << byte;
        EXPECT_FALSE(bench.channel.is_host_connected()) << byte;
    }
}

TEST(Hostile, NoByteOfAProofMayBeAnother) {
    for (size_t byte = 0; byte < sizeof(wire::HandshakeProof); ++byte) {
        Bench bench;
        TestHost host(bench.alice, gdb, operator_role);
        bench.exchange(host, bytes_of_value(host.hello));
        host.make_proof();
        flip(host.proof, byte);
        bench.exchange(host, bytes_of_value(host.proof));
        EXPECT_FALSE(host.accept) << byte;
        EXPECT_FALSE(bench.channel.is_host_connected()) << byte;
    }
}

TEST(Hostile, NoByteOfAnAcceptMayBeAnother) {
    Bench bench;
    TestHost host(bench.alice, gdb, operator_role);
    ASSERT_TRUE(bench.log_in(host));
    auto right = *host.accept;
    for (size_t byte = 0; byte < sizeof(right); ++byte) {
        host.accept = right;
        flip(*host.accept, byte);
        EXPECT_FALSE(host.agree()) << byte;
    }
}

TEST(Hostile, NoHandshakeMayBeShort) {
    Bench bench;
    TestHost host(bench.alice, gdb, operator_role);
    for (size_t size = 0; size < sizeof(host.hello); ++size) {
        bench.line.replace_host();
        bench.line.send(bytes_of_value(host.hello).first(size));
        bench.channel.advance();
        EXPECT_TRUE(bench.line.receive().empty()) << size;
    }
    for (size_t size = 0; size < sizeof(host.proof); ++size) {
        Bench other;
        TestHost peer(other.alice, gdb, operator_role);
        other.exchange(peer, bytes_of_value(peer.hello));
        peer.make_proof();
        other.exchange(peer, bytes_of_value(peer.proof).first(size));
        EXPECT_FALSE(peer.accept) << size;
        other.line.replace_host();
        expect_shut(other);
    }
}

TEST(Hostile, NoHandshakeMayBeLong) {
    for (uint32_t length : {0u, 119u, 121u, 0x10000u, 0xffffffffu}) {
        Bench bench;
        TestHost host(bench.alice, gdb, operator_role);
        host.hello.header.length = length;
        EXPECT_FALSE(bench.log_in(host));
        EXPECT_EQ(host.refusal.value().reason, static_cast<uint8_t>(RefuseReason::Malformed));
        bench.line.send(std::vector<std::byte>(1 << 16));
        expect_shut(bench);
    }
}

TEST(Hostile, AProofWithoutAHello) {
    Bench bench;
    TestHost host(bench.alice, gdb, operator_role);
    host.challenge.emplace();
    host.make_proof();
    bench.exchange(host, bytes_of_value(host.proof));
    EXPECT_EQ(host.refusal.value().reason, static_cast<uint8_t>(RefuseReason::Malformed));
    EXPECT_EQ(bench.primitives.verified, 0U);
    expect_shut(bench);
}

TEST(Hostile, AnEphemeralKeyThatIsNoPoint) {
    for (int way = 0; way < 3; ++way) {
        Bench bench;
        TestHost host(bench.alice, gdb, operator_role);
        if (way == 0)
            std::memset(host.hello.ephemeral, 0, sizeof(host.hello.ephemeral));
        else if (way == 1)
            host.hello.ephemeral[64] ^= 1;
        else
            host.hello.ephemeral[0] = 6;
        EXPECT_FALSE(bench.log_in(host));
        EXPECT_EQ(host.refusal.value().reason, static_cast<uint8_t>(RefuseReason::Malformed));
        expect_shut(bench);
    }
}

TEST(Hostile, AnEnrolledKeyThatIsNoPointOpensNothing) {
    Bench bench;
    KeyPair broken = bench.mallory;
    // x = 5 is on the curve, and some neighbour is not.
    for (unsigned x = 1; decompress(broken.key); ++x) {
        broken.key.fill(std::byte{});
        broken.key.front() = std::byte{2};
        broken.key.back() = static_cast<std::byte>(x);
    }
    broken.id = id_of(broken.key);
    ASSERT_TRUE(bench.gate.keys.add_word(broken.word("operator")));
    TestHost host(broken, gdb, operator_role);
    EXPECT_FALSE(bench.log_in(host));
    EXPECT_EQ(host.refusal.value().reason, static_cast<uint8_t>(RefuseReason::Signature));
}

TEST(Hostile, TheNextHostDoesNotInheritASession) {
    Bench bench;
    TestHost host(bench.alice, gdb, operator_role);
    ASSERT_TRUE(bench.log_in(host));
    uint32_t connection = bench.channel.connection();
    bench.line.replace_host();
    EXPECT_NE(bench.channel.connection(), connection);
    expect_shut(bench);
    EXPECT_EQ(bench.log.back(), "ended alice 3 0");
}

/// The host's end changes while the guest is about to read.
TEST(Hostile, BytesOfTheNextHostAreNotTheLastOnes) {
    for (auto protection : {Protection::None, Protection::Mac}) {
        Bench bench(gdb, protection);
        TestHost host(bench.alice, gdb, operator_role);
        ASSERT_TRUE(bench.log_in(host));
        bench.line.stopped = true; // the interrupt is late
        bench.line.on_read = [&] { bench.line.replace_host(); };
        bench.line.send(protection == Protection::Mac ? host.seal("$k#6b") : [] {
            auto bytes = as_bytes(std::span("$k#6b", 5));
            return std::vector<std::byte>(bytes.begin(), bytes.end());
        }());
        EXPECT_EQ(bench.read(), "");
        bench.line.on_read = nullptr;
        EXPECT_FALSE(bench.channel.session());
    }
}

TEST(Hostile, WhatIsInjectedAfterLoginEndsTheSession) {
    // A record of somebody else's, plain bytes, a record once more, and one with any byte changed.
    for (size_t way = 0; way < 3 + wire::record_overhead + 5; ++way) {
        Bench bench(gdb, Protection::Mac);
        TestHost host(bench.alice, gdb, operator_role);
        ASSERT_TRUE(bench.log_in(host));
        auto first = host.seal("$?#3f");
        bench.line.send(first);
        EXPECT_EQ(bench.read(), "$?#3f");
        if (way == 0) {
            TestHost other(bench.mallory, gdb, operator_role);
            other.sealer.start(sha256({}));
            (void)other.seal("x");
            bench.line.send(other.seal("$k#6b"));
        } else if (way == 1) {
            bench.line.send(as_bytes(std::span("+$k#6b+$k#6b+$k#6b+$k#6b", 24)));
        } else if (way == 2) {
            bench.line.send(first);
        } else {
            auto next = host.seal("$k#6b");
            next[way - 3] ^= std::byte{0x40};
            bench.line.send(next);
            bench.line.send(std::vector<std::byte>(wire::max_record_payload + wire::record_overhead));
        }
        EXPECT_EQ(bench.read(), "") << way;
        EXPECT_FALSE(bench.channel.session()) << way;
        EXPECT_EQ(bench.log.back(), "ended alice 3 1") << way;
        expect_shut(bench);
    }
}

TEST(Hostile, RecordsOfOneSessionAreNoneOfTheNext) {
    Bench bench(gdb, Protection::Mac);
    TestHost host(bench.alice, gdb, operator_role);
    ASSERT_TRUE(bench.log_in(host));
    auto recorded = host.seal("$k#6b");
    bench.line.replace_host();
    TestHost next(bench.alice, gdb, operator_role);
    ASSERT_TRUE(bench.log_in(next));
    bench.line.send(recorded);
    EXPECT_EQ(bench.read(), "");
    EXPECT_FALSE(bench.channel.session());
}

TEST(Hostile, TheLinksProtectionCannotBeTalkedDown) {
    Bench bench(gdb, Protection::Mac);
    TestHost host(bench.alice, gdb, operator_role, Protection::None);
    ASSERT_TRUE(bench.log_in(host));
    EXPECT_EQ(host.accept->protection, static_cast<uint8_t>(Protection::Mac));
    Bench plain(gdb, Protection::None);
    TestHost careful(plain.alice, gdb, operator_role, Protection::Mac);
    ASSERT_TRUE(plain.log_in(careful));
    EXPECT_EQ(careful.accept->protection, static_cast<uint8_t>(Protection::Mac));
    plain.line.send(careful.seal("$?#3f"));
    EXPECT_EQ(plain.read(), "$?#3f");
}

TEST(Hostile, MuchThatIsNoHandshakeTakesNoInterruptForEver) {
    Bench bench;
    Bench::g_work_due = 0;
    bench.line.send(std::vector<std::byte>(100'000, std::byte{'x'}));
    EXPECT_GT(bench.line.to_guest.size(), 90'000U);
    EXPECT_EQ(Bench::g_work_due, 1U);
    bench.channel.advance();
    EXPECT_TRUE(bench.line.to_guest.empty());
    TestHost host(bench.alice, gdb, operator_role);
    EXPECT_TRUE(bench.log_in(host));
}

} // namespace
} // namespace auth::test
