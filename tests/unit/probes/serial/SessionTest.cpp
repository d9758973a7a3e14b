// Beginnings and ends of sessions: who restarts when, whatever was under way.
#include "tests/unit/probes/serial/SimulatedLine.h"

#include <gtest/gtest.h>

namespace serial::test {
namespace {

constexpr auto gdb = SerialChannel::Gdb;
constexpr auto console = SerialChannel::Console;

/// One whole exchange on gdb's channel.
void expect_exchange(SimulatedLine& line, const std::string& request, const std::string& reply) {
    ASSERT_EQ(line.host->write(gdb, request), request.size());
    std::string got;
    ASSERT_TRUE(line.run_for(60'000'000, [&] { return (got += line.guest->read(gdb)).size() >= request.size(); }));
    EXPECT_EQ(got, request);
    ASSERT_EQ(line.guest->write(gdb, reply), reply.size());
    got.clear();
    ASSERT_TRUE(line.run_for(60'000'000, [&] { return (got += line.host->read(gdb)).size() >= reply.size(); }));
    EXPECT_EQ(got, reply);
}

TEST(SerialSession, ComesUpWhoeverIsFirst) {
    for (int late = 0; late < 2; ++late) {
        SimulatedLine line;
        if (late == 0)
            line.host->link.stop();
        else
            line.guest->link.stop();
        line.run_for(3'000'000);
        EXPECT_FALSE(line.is_up());
        if (late == 0)
            line.restart_host();
        else
            line.restart_guest();
        ASSERT_TRUE(line.connect(1'000'000));
        EXPECT_EQ(line.host->link.connection(), 1u);
        EXPECT_EQ(line.guest->link.connection(), 1u);
        expect_exchange(line, "$?#3f", "$T05#b9");
    }
}

TEST(SerialSession, AGuestAloneSaysOneHelloAndIsSilent) {
    SimulatedLine line;
    line.host->link.stop();
    line.run_for(60'000'000);
    EXPECT_LT(line.to_host.bytes_sent(), 60u);
    EXPECT_EQ(line.guest->link.deadline(), no_deadline);
}

TEST(SerialSession, NothingPassesWithoutOne) {
    SimulatedLine line;
    line.guest->link.stop();
    line.run_for(1'000'000);
    EXPECT_EQ(line.host->write(gdb, "x"), 0u);
    EXPECT_EQ(line.host->link.room(gdb), 0u);
    EXPECT_EQ(line.host->read(gdb), "");
    EXPECT_TRUE(line.host->link.is_settled(gdb));
}

/// The host tool is killed at any moment, with bytes under way in both directions, and comes back.
TEST(SerialSession, AHostThatRestartsGetsNoOldByte) {
    for (Time moment = 0; moment < 6000; moment += 97) {
        SimulatedLine line;
        ASSERT_TRUE(line.connect());
        line.host->write(gdb, std::string(700, 'o'));
        line.guest->write(gdb, std::string(900, 'o'));
        line.guest->write(console, std::string(2000, 'o'));
        line.run_for(1 + moment);
        line.restart_host();
        ASSERT_TRUE(line.run_for(1'000'000, [&] { return line.is_up() && line.guest->link.connection() == 3; }));
        expect_exchange(line, "new request", "new reply");
        EXPECT_EQ(line.host->read(console), "");
        EXPECT_EQ(line.host->text, "");
        EXPECT_EQ(line.host->link.connection(), 1u);
        EXPECT_EQ(line.guest->link.connection(), 3u);
    }
}

TEST(SerialSession, AGuestThatRebootsGetsNoOldByte) {
    for (Time moment = 0; moment < 6000; moment += 97) {
        SimulatedLine line;
        ASSERT_TRUE(line.connect());
        line.host->write(gdb, std::string(700, 'o'));
        line.guest->write(gdb, std::string(900, 'o'));
        line.run_for(1 + moment);
        line.restart_guest();
        ASSERT_TRUE(line.run_for(3'000'000, [&] { return line.is_up() && line.host->link.connection() == 3; }));
        expect_exchange(line, "new request", "new reply");
        EXPECT_EQ(line.guest->link.connection(), 1u);
    }
}

TEST(SerialSession, BothRestartInAnyOrderOnABadLine) {
    std::mt19937 random(5);
    for (int round = 0; round < 60; ++round) {
        SimulatedLine line(static_cast<uint32_t>(round));
        line.set_faults({.flip = 0.01, .drop = 0.01, .duplicate = 0.01, .split = 0.01, .eats = {}});
        for (int restart = 0; restart < 4; ++restart) {
            line.host->write(gdb, std::string(300, 'o'));
            line.guest->write(gdb, std::string(300, 'o'));
            line.run_for(random() % 300'000);
            if (random() % 2 == 0)
                line.restart_host();
            else
                line.restart_guest();
        }
        ASSERT_TRUE(line.connect()) << round;
        line.run_for(2'000'000); // one side may have to learn that the session is another one
        ASSERT_TRUE(line.connect()) << round;
        expect_exchange(line, "new request", "new reply");
    }
}

TEST(SerialSession, ARebootWhoseHelloIsLostIsNoticedByWhatTheHostSends) {
    SimulatedLine line;
    ASSERT_TRUE(line.connect());
    line.to_host.faults.drop = 1;
    line.restart_guest();
    line.run_for(10'000);
    line.to_host.faults.drop = 0;
    ASSERT_TRUE(line.run_for(3'000'000, [&] { return line.is_up() && line.host->link.connection() == 3; }));
    expect_exchange(line, "request", "reply");
}

TEST(SerialSession, ByeEndsItAtOnce) {
    SimulatedLine line;
    ASSERT_TRUE(line.connect());
    line.host->link.stop();
    ASSERT_TRUE(line.run_for(10'000, [&] { return !line.guest->link.is_up(); }));
    auto sent = line.to_guest.bytes_sent();
    line.run_for(30'000'000);
    EXPECT_EQ(line.to_guest.bytes_sent(), sent);
    EXPECT_EQ(line.guest->link.connection(), 2u);
    line.restart_host();
    ASSERT_TRUE(line.connect());
    expect_exchange(line, "request", "reply");
}

TEST(SerialSession, AGuestNoticesThatTheHostIsGone) {
    SimulatedLine line;
    ASSERT_TRUE(line.connect());
    line.run_for(60'000'000);
    ASSERT_TRUE(line.guest->link.is_up()) << "an idle host is not gone";
    line.to_guest.faults.drop = 1;
    EXPECT_TRUE(line.run_for(15'000'000, [&] { return !line.guest->link.is_up(); }));
    // The host is still there, and finds that it was given up.
    line.to_guest.faults.drop = 0;
    ASSERT_TRUE(line.run_for(5'000'000, [&] { return line.is_up() && line.host->link.connection() == 3; }));
    expect_exchange(line, "request", "reply");
}

TEST(SerialSession, AGuestThatWasPausedDoesNotTakeTheHostForGone) {
    SimulatedLine line;
    ASSERT_TRUE(line.connect());
    // The whole machine stands still for an hour, its clock runs on; what the host said waits in the line.
    line.now += 3'600'000'000;
    line.run_for(1'000'000);
    EXPECT_EQ(line.guest->link.connection(), 1u);
    expect_exchange(line, "request", "reply");
}

TEST(SerialSession, TheHostHoldsOutForAGuestThatIsSilent) {
    SimulatedLine line;
    ASSERT_TRUE(line.connect());
    line.host->write(gdb, "late");
    line.to_guest.faults.drop = line.to_host.faults.drop = 1;
    line.run_for(9'000'000);
    line.to_guest.faults.drop = line.to_host.faults.drop = 0;
    std::string got;
    EXPECT_TRUE(line.run_for(3'000'000, [&] { return (got += line.guest->read(gdb)) == "late"; }));
    EXPECT_EQ(line.host->link.connection(), 1u);
}

TEST(SerialSession, ALineThatEchoesIsNoPeer) {
    // The host alone, and all that it says comes back.
    End host(SerialRole::Host);
    Time now = 1;
    host.link.start(1, now);
    for (int i = 0; i < 1000; ++i) {
        for (auto frame = host.link.next_frame(now); !frame.empty(); frame = host.link.next_frame(now)) {
            Bytes echo(frame.begin(), frame.end());
            host.link.receive(echo, now);
        }
        now += 10'000;
    }
    EXPECT_FALSE(host.link.is_up());
}

TEST(SerialSession, AnEchoOfTheSessionIsDamage) {
    SimulatedLine line;
    ASSERT_TRUE(line.connect());
    line.on_frame = [&](SerialRole role, std::span<const uint8_t> frame) {
        auto& sender = role == SerialRole::Host ? line.host : line.guest;
        Bytes echo(frame.begin(), frame.end());
        // Not from within the call that gave the frame.
        line.on_frame = nullptr;
        sender->link.receive(echo, line.now);
    };
    line.host->write(gdb, "request");
    std::string got;
    EXPECT_TRUE(line.run_for(1'000'000, [&] { return (got += line.guest->read(gdb)) == "request"; }));
    EXPECT_EQ(line.host->link.statistics().frames_damaged, 1u);
    EXPECT_EQ(line.host->read(gdb), "");
}

TEST(SerialSession, ALaterVersionsLongerHelloIsUnderstood) {
    End guest(SerialRole::Guest);
    guest.link.start(1, 1);
    wire::SerialHello hello{9, 0, 1, {12, 12, 12, 12, 12}, 77, 0};
    Bytes payload(sizeof(hello) + 5, 0xaa);
    std::memcpy(payload.data(), &hello, sizeof(hello));
    LineBuffer buffer;
    size_t size = encode({SerialChannel::Link, SerialMessage::Hello, 0, payload}, Encoding::Escaped, 0, buffer);
    guest.link.receive({buffer, size}, 2);
    EXPECT_EQ(guest.link.peer_version(), 9);
    EXPECT_FALSE(guest.link.next_frame(2).empty());
}

TEST(SerialSession, HellosThatCannotBeAreIgnored) {
    End guest(SerialRole::Guest);
    guest.link.start(1, 1);
    guest.link.next_frame(1);
    auto say = [&](wire::SerialHello hello, size_t length = sizeof(wire::SerialHello)) {
        LineBuffer buffer;
        Bytes payload(sizeof(hello));
        std::memcpy(payload.data(), &hello, sizeof(hello));
        payload.resize(length);
        guest.link.receive(
            {buffer, encode({SerialChannel::Link, SerialMessage::Hello, 0, payload}, Encoding::Escaped, 0, buffer)}, 2);
        return !guest.link.next_frame(2).empty();
    };
    EXPECT_FALSE(say({0, 0, 1, {}, 77, 0})); // no version
    EXPECT_FALSE(say({1, 1, 1, {}, 77, 0})); // another guest
    EXPECT_FALSE(say({1, 2, 1, {}, 77, 0}));
    EXPECT_FALSE(say({1, 0, 1, {}, 0, 0}));      // no nonce
    EXPECT_FALSE(say({1, 0, 1, {}, 77, 0}, 15)); // too short
    EXPECT_TRUE(say({1, 0, 1, {}, 77, 0}));
}

TEST(SerialSession, PlainOnlyIfBothAllowIt) {
    for (bool host_plain : {false, true}) {
        for (bool guest_plain : {false, true}) {
            SimulatedLine line;
            line.restart_host(host_plain);
            line.restart_guest(guest_plain);
            ASSERT_TRUE(line.connect());
            auto expected = host_plain && guest_plain ? Encoding::Plain : Encoding::Escaped;
            EXPECT_EQ(line.host->link.encoding(), expected);
            EXPECT_EQ(line.guest->link.encoding(), expected);
            expect_exchange(line, "request", "reply");
        }
    }
}

} // namespace
} // namespace serial::test
