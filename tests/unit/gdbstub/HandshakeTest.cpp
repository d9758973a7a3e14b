// How a session begins, ends, and begins again with somebody else.

#include <gtest/gtest.h>

#include "tests/unit/gdbstub/ScriptedClient.h"

namespace gdbstub::test {
namespace {

using Replies = std::vector<std::string>;

TEST(Handshake, AcknowledgesUntilToldNotTo) {
    Bench bench;
    bench.connect().packet("qAttached").packet("D");
    EXPECT_EQ(bench.stop().outcome, Outcome::Detached);
    auto replies = bench.replies();
    ASSERT_EQ(replies.size(), 8U);
    EXPECT_EQ(replies[0], "+");
    EXPECT_TRUE(replies[1].starts_with("PacketSize=1000;"));
    EXPECT_EQ((Replies{replies.begin() + 2, replies.end()}), (Replies{"+", "", "+", "OK", "1", "OK"}));
}

TEST(Handshake, EachReplyIsOneWrite) {
    Bench bench;
    bench.packet("qAttached").packet("qC");
    bench.stop();
    EXPECT_EQ(bench.replies().size(), 4U);
    EXPECT_EQ(bench.transport.writes, 2U);
}

TEST(Handshake, OffersWhatTheTargetOffers) {
    Bench bench;
    std::string all = bench.ask("qSupported:swbreak+");
    for (const char* feature : {"QStartNoAckMode+", "multiprocess+", "vContSupported+", "binary-upload+", "swbreak+",
                                "hwbreak+", "qXfer:features:read+", "qXfer:threads:read+", "qXfer:auxv:read+",
                                "qXfer:exec-file:read+", "qXfer:siginfo:read+", "QPassSignals+", "QProgramSignals+"})
        EXPECT_NE((";" + all + ";").find(std::string(";") + feature + ";"), std::string::npos) << feature;

    Bench bare;
    bare.target.offers_optional_parts = false;
    std::string less = bare.ask("qSupported:swbreak+");
    for (const char* feature : {"swbreak", "hwbreak", "auxv", "exec-file", "siginfo"})
        EXPECT_EQ(less.find(feature), std::string::npos) << feature;
    EXPECT_NE(less.find("qXfer:features:read+"), std::string::npos);
}

TEST(Handshake, UnknownPacketsGetTheEmptyReply) {
    Bench bench;
    for (const char* packet : {"vMustReplyEmpty", "qTStatus", "vFile:fchmod:00,0,0", "!", "QNonStop:1", "b"})
        EXPECT_EQ(bench.ask(packet), "") << packet;
}

TEST(Handshake, MalformedPacketsGetAnError) {
    Bench bench;
    EXPECT_EQ(bench.ask("m10"), "E16");
    EXPECT_EQ(bench.ask("QPassSignals:e;;"), "E16");
}

TEST(Handshake, KnowsWhetherTheClientSendsHeartbeats) {
    Bench bench;
    EXPECT_FALSE(bench.session.client_sends_heartbeats());
    bench.session.on_byte(PacketReceiver::heartbeat);
    EXPECT_TRUE(bench.session.client_sends_heartbeats());
    EXPECT_EQ(bench.target.stop_requests, 0u) << "it is no reason to stop";
    bench.packet("qSupported").raw("\x16").packet("vCont;c");
    EXPECT_EQ(bench.stop().outcome, Outcome::Resume);
    EXPECT_TRUE(bench.session.client_sends_heartbeats());
    bench.packet("qSupported").packet("vCont;c");
    EXPECT_EQ(bench.stop().outcome, Outcome::Resume);
    EXPECT_FALSE(bench.session.client_sends_heartbeats()) << "somebody else";
}

TEST(Handshake, AHeartbeatInAPacketIsData) {
    Bench bench;
    bench.connect().packet("X1000,1:\x16").packet("vCont;c");
    bench.stop();
    EXPECT_FALSE(bench.session.client_sends_heartbeats());
}

TEST(Handshake, WhoFellSilentIsRefusedUntilItIntroducesItself) {
    Bench bench;
    bench.connect();
    bench.stop();
    bench.replies();
    bench.session.client_fell_silent();
    for (const char* stale : {"g", "m1000,4", "vCont;c"}) {
        EXPECT_EQ(bench.packet(stale).stop().outcome, Outcome::Detached) << "the target goes on at once";
        EXPECT_EQ(bench.replies(), (Replies{"+", "E03"})) << stale;
    }
    EXPECT_EQ(bench.packet("D").stop().outcome, Outcome::Detached);
    EXPECT_EQ(bench.replies(), (Replies{"+", "OK"})) << "what a proxy says in the end";
    bench.connect().packet("qC");
    bench.stop();
    EXPECT_EQ(bench.replies().back(), "QC1");
}

TEST(Handshake, WhoFellSilentIsToldWhyIfItUnderstands) {
    Bench bench;
    bench.transport.at_end = [&] { bench.session.client_fell_silent(); };
    bench.packet("qSupported:error-message+").stop();
    bench.transport.at_end = [] {};
    for (int i = 0; i < 2; ++i) {
        bench.packet("g").stop();
        EXPECT_TRUE(bench.replies().back().starts_with("E.This debugger's heartbeats stopped")) << i;
    }
}

TEST(Handshake, PacketsLongerThanTheBufferGetAnError) {
    Bench bench(2048);
    EXPECT_EQ(bench.ask("M10000,1000:" + std::string(4096, '0')), "E07");
}

TEST(Handshake, RejectsAPacketThatArrivedBroken) {
    Bench bench;
    bench.raw("$qC#00").packet("qC");
    bench.stop();
    EXPECT_EQ(bench.replies(), (Replies{"-", "+", "QC1"}));
}

TEST(Handshake, SendsAReplyAgainWhenAsked) {
    Bench bench;
    bench.packet("qC").raw("-").raw("-").raw("+");
    bench.stop();
    EXPECT_EQ(bench.replies(), (Replies{"+", "QC1", "QC1", "QC1"}));
}

TEST(Handshake, TakesBytesInAnyPortions) {
    for (size_t portion = 1; portion < 60; ++portion) {
        Bench bench;
        bench.transport.portion = portion;
        bench.connect().packet("qC").packet("m10000,2").packet("D");
        EXPECT_EQ(bench.stop().outcome, Outcome::Detached);
        auto replies = bench.replies();
        ASSERT_EQ(replies.size(), 9U) << portion;
        EXPECT_EQ(replies[6], "QC1");
        EXPECT_EQ(replies[7], "9090");
        EXPECT_EQ(replies[8], "OK");
    }
}

TEST(Handshake, ALostLinkDetaches) {
    Bench bench;
    bench.connect().packet("Z0,10004,1");
    const ResumePlan& plan = bench.stop();
    EXPECT_EQ(plan.outcome, Outcome::Detached);
    EXPECT_TRUE(plan.is_plain_continue());
    EXPECT_TRUE(bench.target.inserted_breakpoints.empty());
    EXPECT_FALSE(bench.session.attached());
}

TEST(Handshake, ALinkThatBreaksWithPacketsLeftTakesThemAlong) {
    Bench bench;
    bench.connect().packet("qC").packet("Z0,10004,1").packet("qC").raw("$m10");
    bench.transport.writes_left = 4;
    EXPECT_EQ(bench.stop().outcome, Outcome::Detached);
    EXPECT_TRUE(bench.target.inserted_breakpoints.empty());
    bench.transport.writes_left = ~0U;
    bench.replies();

    // The next client is heard, and does not meet the rest of the one before.
    for (char c : "+" + framed("qC"))
        bench.session.on_byte(static_cast<uint8_t>(c));
    EXPECT_EQ(bench.target.stop_requests, 1U);
    bench.stop();
    EXPECT_EQ(bench.replies(), (Replies{"+", "QC1"}));
}

TEST(Handshake, ANewClientStartsAfresh) {
    Bench bench;
    bench.connect().packet("Z0,10004,1").packet("Z2,10100,4").packet("Hg2").packet("QPassSignals:e");
    // The first gdb vanishes; the next one knows nothing of the mode that the session is in.
    bench.connect().packet("p0").packet("D");
    bench.stop();
    EXPECT_TRUE(bench.target.inserted_breakpoints.empty());
    EXPECT_TRUE(bench.target.inserted_points.empty());
    auto replies = bench.replies();
    ASSERT_EQ(replies.size(), 6U + 4 + 8);
    EXPECT_EQ(replies[10], "+");
    EXPECT_TRUE(replies[11].starts_with("PacketSize="));
    EXPECT_EQ((Replies{replies.begin() + 12, replies.end()}),
              (Replies{"+", "", "+", "OK", "0110000000000000", "OK"})); // thread 1's rax, not thread 2's
}

TEST(Handshake, ANewClientMayBreakOffWhatAnOldOneBegan) {
    Bench bench;
    bench.connect().raw("$M10000,4:00").connect().packet("qC");
    bench.stop();
    auto replies = bench.replies();
    ASSERT_FALSE(replies.empty());
    EXPECT_EQ(replies.back(), "QC1");
}

TEST(Handshake, AClientMayLeaveOutAcknowledgementsBeforeItAsksWhatIsSupported) {
    // lldb's order.
    Bench bench;
    bench.packet("QStartNoAckMode").packet("qSupported:xmlRegisters=i386").packet("qC");
    bench.stop();
    auto replies = bench.replies();
    ASSERT_EQ(replies.size(), 4U);
    EXPECT_EQ(replies[0], "+");
    EXPECT_EQ(replies[1], "OK");
    EXPECT_EQ(replies[3], "QC1");
    // Another one like it.
    bench.packet("QStartNoAckMode").packet("QStartNoAckMode");
    bench.stop();
    EXPECT_EQ(bench.replies(), (Replies{"+", "OK", "+", "OK"}));
}

TEST(Handshake, ADetachOnBehalfOfALostClientIsUnderstoodInEitherMode) {
    Bench acknowledging;
    acknowledging.packet("qC").packet("D");
    EXPECT_EQ(acknowledging.stop().outcome, Outcome::Detached);
    EXPECT_EQ(acknowledging.replies(), (Replies{"+", "QC1", "+", "OK"}));

    Bench silent;
    silent.connect().packet("D");
    EXPECT_EQ(silent.stop().outcome, Outcome::Detached);
    EXPECT_EQ(silent.replies().back(), "OK");
    // And after it, everything begins anew.
    silent.packet("qC");
    silent.stop();
    EXPECT_EQ(silent.replies(), (Replies{"+", "QC1"}));
}

TEST(Handshake, KillIsADetachUnlessTheTargetAllowsIt) {
    Bench bench;
    bench.packet("QStartNoAckMode").packet("vKill;1");
    EXPECT_EQ(bench.stop().outcome, Outcome::Detached);
    EXPECT_EQ(bench.replies().back(), "OK");
    bench.packet("QStartNoAckMode").packet("k");
    EXPECT_EQ(bench.stop().outcome, Outcome::Detached);
    EXPECT_EQ(bench.replies().size(), 2U);

    bench.target.may_kill = true;
    bench.packet("vKill;1");
    EXPECT_EQ(bench.stop().outcome, Outcome::Kill);
    EXPECT_EQ(bench.replies(), (Replies{"+", "OK"}));
    bench.packet("k");
    EXPECT_EQ(bench.stop().outcome, Outcome::Kill);
    EXPECT_EQ(bench.replies(), (Replies{"+"}));
}

TEST(Handshake, ReasonsGoToAClientThatKnowsThem) {
    Bench bench;
    bench.packet("QStartNoAckMode").packet("qSupported:error-message+").packet("p1000");
    bench.stop();
    EXPECT_EQ(bench.replies().back(), "E.There is no register with this number.");
}

TEST(Handshake, ANewClientBehindADetachKeepsTheWorldStopped) {
    Bench bench;
    bench.connect().packet("D").connect().packet("qC");
    bench.stop();
    EXPECT_EQ(bench.replies().back(), "QC1");
}

} // namespace
} // namespace gdbstub::test
