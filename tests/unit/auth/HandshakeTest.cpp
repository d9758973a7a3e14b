// Handshakes that go as they should, and the ways in which they are refused.

#include <gtest/gtest.h>

#include "tests/unit/auth/Bench.h"

namespace auth::test {
namespace {

using wire::ChannelKind;
using wire::Protection;
using wire::RefuseReason;
using wire::Role;

RefuseReason reason_of(const TestHost& host) {
    EXPECT_TRUE(host.refusal);
    return host.refusal ? static_cast<RefuseReason>(host.refusal->reason) : RefuseReason{};
}

TEST(Handshake, LetsAnEnrolledKeyIn) {
    Bench bench;
    TestHost host(bench.alice, gdb, operator_role);
    EXPECT_FALSE(bench.channel.is_host_connected());
    EXPECT_EQ(bench.channel.role(), Role::None);
    ASSERT_TRUE(bench.log_in(host));
    EXPECT_EQ(host.accept->role, static_cast<uint8_t>(Role::Operator));
    EXPECT_EQ(host.accept->protection, static_cast<uint8_t>(Protection::None));
    EXPECT_EQ(host.challenge->build_id[0], 0xb1);
    EXPECT_EQ(host.challenge->instance_id[15], 0x1d);
    EXPECT_TRUE(bench.channel.is_host_connected());
    EXPECT_EQ(bench.channel.role(), Role::Operator);
    ASSERT_TRUE(bench.channel.session());
    EXPECT_EQ(bench.channel.session()->key->name_view(), "alice");
    EXPECT_EQ(bench.log, std::vector<std::string>{"began alice 3"});
    EXPECT_GT(bench.events, 0U);

    bench.line.send(as_bytes(std::span("$?#3f", 5)));
    EXPECT_EQ(bench.read(), "$?#3f");
    EXPECT_EQ(text_of(bench.write("+$S05#b8")), "+$S05#b8");
}

/// Who may have which role on which channel: the whole table.
TEST(Handshake, RolesAndChannels) {
    for (auto channel : {ChannelKind::Gdb, ChannelKind::Control, ChannelKind::Trace, ChannelKind::Crash}) {
        for (auto enrolled : {Role::Tracer, Role::Observer, Role::Operator}) {
            for (auto wanted : {Role::Tracer, Role::Observer, Role::Operator}) {
                Bench bench(channel);
                const auto& key = enrolled == Role::Tracer     ? bench.carol
                                  : enrolled == Role::Observer ? bench.bob
                                                               : bench.alice;
                TestHost host(key, channel, wanted);
                bool carries_memory = channel == ChannelKind::Gdb || channel == ChannelKind::Crash;
                bool fits = !carries_memory || wanted >= Role::Observer;
                EXPECT_EQ(bench.log_in(host), wanted <= enrolled && fits);
                EXPECT_EQ(bench.channel.role(), wanted <= enrolled && fits ? wanted : Role::None);
                if (wanted > enrolled || !fits) {
                    EXPECT_EQ(reason_of(host), wanted > enrolled ? RefuseReason::Role : RefuseReason::Channel);
                }
            }
        }
    }
}

TEST(Handshake, WhoAsksForNoRoleGetsTheKeysOwn) {
    for (auto channel : {ChannelKind::Gdb, ChannelKind::Control}) {
        for (auto enrolled : {Role::Tracer, Role::Observer, Role::Operator}) {
            Bench bench(channel);
            const auto& key = enrolled == Role::Tracer     ? bench.carol
                              : enrolled == Role::Observer ? bench.bob
                                                           : bench.alice;
            TestHost host(key, channel, Role::None);
            bool fits = channel == ChannelKind::Control || enrolled != Role::Tracer;
            EXPECT_EQ(bench.log_in(host), fits);
            EXPECT_EQ(bench.channel.role(), fits ? enrolled : Role::None);
            if (!fits) {
                EXPECT_EQ(reason_of(host), RefuseReason::Channel);
            }
        }
    }
}

TEST(Handshake, WithoutAnyKeyTheInstanceSaysNothingAtAll) {
    Bench bench;
    Gate gate{bench.primitives, [] { return g_now; }};
    FakeLine line;
    GuardedChannel channel(gdb, gate);
    channel.start(line, Protection::None);
    TestHost host(bench.alice, gdb, operator_role);
    for (Bytes bytes : {bytes_of_value(host.hello), bytes_of_value(host.proof), as_bytes(std::span("+$?#3f\x03", 7))}) {
        line.send(bytes);
        channel.advance();
        std::byte some[64];
        EXPECT_EQ(channel.read(some), 0U);
        EXPECT_TRUE(line.to_guest.empty());
        EXPECT_EQ(channel.write_some(some), base::fail(base::Error::BrokenPipe));
        EXPECT_TRUE(line.receive().empty());
    }
    EXPECT_FALSE(channel.is_host_connected());
}

TEST(Handshake, OpenIsTheChannelItself) {
    Bench bench;
    Gate gate{bench.primitives, [] { return g_now; }};
    gate.open = true;
    FakeLine line;
    GuardedChannel channel(gdb, gate);
    channel.start(line, Protection::Mac);
    EXPECT_TRUE(channel.is_host_connected());
    EXPECT_EQ(channel.role(), Role::Operator);
    line.send(as_bytes(std::span("$?#3f", 5)));
    std::byte some[64];
    EXPECT_EQ(channel.read(some), 5U);
    EXPECT_EQ(channel.write_some(as_bytes(std::span("+", 1))), 1U);
    EXPECT_EQ(line.receive().size(), 1U);
    uint32_t connection = channel.connection();
    line.set_connected(false);
    EXPECT_FALSE(channel.is_host_connected());
    EXPECT_NE(channel.connection(), connection);
    EXPECT_EQ(channel.role(), Role::None);
}

TEST(Handshake, WithoutEntropyThereIsNoService) {
    Bench bench;
    bench.primitives.has_entropy = false;
    TestHost host(bench.alice, gdb, operator_role);
    EXPECT_FALSE(bench.log_in(host));
    EXPECT_EQ(reason_of(host), RefuseReason::NoEntropy);
    EXPECT_FALSE(bench.channel.is_host_connected());
    // It is nobody's fault: no wait before the next try.
    bench.primitives.has_entropy = true;
    TestHost again(bench.alice, gdb, operator_role);
    EXPECT_TRUE(bench.log_in(again));
}

TEST(Handshake, AnotherVersionIsToldWhichThereIs) {
    Bench bench;
    TestHost host(bench.alice, gdb, operator_role);
    host.hello.header.version = 2;
    host.hello.header.length = 400; // newer messages may be longer
    bench.exchange(host, bytes_of_value(host.hello));
    EXPECT_EQ(reason_of(host), RefuseReason::Version);
    EXPECT_EQ(host.refusal->oldest_version, 1);
    EXPECT_EQ(host.refusal->newest_version, 1);
    TestHost again(bench.alice, gdb, operator_role);
    EXPECT_TRUE(bench.log_in(again));
}

TEST(Handshake, AnUnknownKeyIsRefused) {
    Bench bench;
    TestHost host(bench.mallory, gdb, operator_role);
    EXPECT_FALSE(bench.log_in(host));
    EXPECT_EQ(reason_of(host), RefuseReason::UnknownKey);
    EXPECT_EQ(bench.log, std::vector<std::string>{"refused 4"});
}

TEST(Handshake, FailedAttemptsAreLimitedInRate) {
    Bench bench;
    uint64_t expected_ms = 250;
    for (int attempt = 0; attempt < 12; ++attempt) {
        TestHost wrong(bench.mallory, gdb, operator_role);
        EXPECT_FALSE(bench.log_in(wrong));
        EXPECT_EQ(reason_of(wrong), RefuseReason::UnknownKey) << attempt;
        // The right key waits too, and is told how long.
        TestHost right(bench.alice, gdb, operator_role);
        EXPECT_FALSE(bench.log_in(right));
        EXPECT_EQ(reason_of(right), RefuseReason::RateLimited);
        EXPECT_EQ(right.refusal->wait_ms, expected_ms);
        g_now += expected_ms * 1'000'000;
        expected_ms = std::min<uint64_t>(expected_ms * 2, 32'000);
    }
    TestHost right(bench.alice, gdb, operator_role);
    EXPECT_TRUE(bench.log_in(right));
    // Which ends it.
    bench.line.replace_host();
    TestHost wrong(bench.mallory, gdb, operator_role);
    EXPECT_FALSE(bench.log_in(wrong));
    g_now += 250'000'000;
    TestHost again(bench.alice, gdb, operator_role);
    EXPECT_TRUE(bench.log_in(again));
}

TEST(Handshake, ARateIsAChannelsOwn) {
    Bench bench;
    FakeLine other_line;
    GuardedChannel other(wire::ChannelKind::Control, bench.gate);
    other.start(other_line, Protection::None);
    TestHost wrong(bench.mallory, gdb, operator_role);
    EXPECT_FALSE(bench.log_in(wrong));
    TestHost right(bench.alice, wire::ChannelKind::Control, operator_role);
    other_line.send(bytes_of_value(right.hello));
    other.advance();
    right.take(other_line.receive());
    EXPECT_TRUE(right.challenge);
}

TEST(Handshake, WhoAsksForChallengesAndNeverProvesAnythingIsLimitedToo) {
    Bench bench;
    TestHost host(bench.alice, gdb, operator_role);
    bench.exchange(host, bytes_of_value(host.hello));
    ASSERT_TRUE(host.challenge);
    bench.line.replace_host();
    TestHost next(bench.alice, gdb, operator_role);
    bench.exchange(next, bytes_of_value(next.hello));
    EXPECT_EQ(reason_of(next), RefuseReason::RateLimited);
}

TEST(Handshake, AProofThatComesTooLateIsNone) {
    Bench bench;
    TestHost host(bench.alice, gdb, operator_role);
    bench.exchange(host, bytes_of_value(host.hello));
    host.make_proof();
    g_now += auth::Handshake::proof_timeout_ns;
    bench.exchange(host, bytes_of_value(host.proof));
    EXPECT_FALSE(host.accept);
    EXPECT_FALSE(bench.channel.is_host_connected());
    EXPECT_EQ(bench.primitives.verified, 0U);
}

TEST(Handshake, MessagesMayComeByteByByteAndBehindNoise) {
    Bench bench;
    TestHost host(bench.alice, gdb, operator_role);
    std::string noise = "+$qSupported#37\x03\xc5US\xc5 boot: ok\r\n";
    bench.line.send(as_bytes(std::span(noise)));
    for (std::byte byte : bytes_of_value(host.hello)) {
        bench.channel.advance();
        bench.line.send({&byte, 1});
    }
    bench.channel.advance();
    EXPECT_TRUE(host.take(bench.line.receive()).empty());
    ASSERT_TRUE(host.challenge);
    host.make_proof();
    for (std::byte byte : bytes_of_value(host.proof)) {
        bench.channel.advance();
        bench.line.send({&byte, 1});
    }
    bench.channel.advance();
    host.take(bench.line.receive());
    ASSERT_TRUE(host.accept);
    EXPECT_TRUE(host.agree());
}

TEST(Handshake, ALineThatHasNoRoomDelaysAndLosesNothing) {
    Bench bench(gdb, Protection::Mac);
    TestHost host(bench.alice, gdb, operator_role);
    bench.line.capacity = 10;
    std::vector<std::byte> heard;
    auto hear = [&] {
        for (int i = 0; i < 40; ++i) {
            bench.channel.advance();
            auto part = bench.line.receive();
            heard.insert(heard.end(), part.begin(), part.end());
        }
        heard = host.take(heard);
    };
    bench.line.send(bytes_of_value(host.hello));
    hear();
    ASSERT_TRUE(host.challenge);
    host.make_proof();
    bench.line.send(bytes_of_value(host.proof));
    hear();
    ASSERT_TRUE(host.accept && host.agree());
    EXPECT_EQ(bench.channel.write_some(as_bytes(std::span("hello", 5))), 5U);
    EXPECT_EQ(bench.channel.write_some(as_bytes(std::span("again", 5))), base::fail(base::Error::Again));
    hear();
    EXPECT_EQ(host.open(heard), "hello");
}

} // namespace
} // namespace auth::test
