// What arrives while the target runs.

#include <gtest/gtest.h>

#include "tests/unit/gdbstub/ScriptedClient.h"

namespace gdbstub::test {
namespace {

using Replies = std::vector<std::string>;

void feed(Bench& bench, std::string_view bytes) {
    for (char c : bytes)
        bench.session.on_byte(static_cast<uint8_t>(c));
}

/// A gdb that has connected and continued.
void run(Bench& bench) {
    bench.connect().packet("Z0,10004,1").packet("vCont;c");
    bench.stop();
    bench.replies();
    bench.transport.writes = 0;
}

TEST(Running, CtrlCRequestsAStop) {
    Bench bench;
    run(bench);
    feed(bench, "\x03");
    EXPECT_EQ(bench.target.stop_requests, 1U);
    feed(bench, "\x03\x03");
    EXPECT_EQ(bench.target.stop_requests, 1U);
    EXPECT_EQ(bench.transport.writes, 0U);
    bench.packet("?");
    bench.stop({.thread = 1});
    auto replies = bench.replies();
    ASSERT_EQ(replies.size(), 2U);
    EXPECT_TRUE(replies[0].starts_with("T02"));
    EXPECT_EQ(replies[1], replies[0]);
}

TEST(Running, CtrlCOfNobodyIsIgnored) {
    Bench bench;
    feed(bench, "\x03+\x03");
    EXPECT_EQ(bench.target.stop_requests, 0U);
}

TEST(Running, NoiseIsIgnored) {
    Bench bench;
    feed(bench, std::string("\x00\xff$\x01\x02#zz$g#00 login: +-", 23));
    EXPECT_EQ(bench.target.stop_requests, 0U);
}

TEST(Running, APacketRequestsAStopAndIsAnsweredInIt) {
    Bench bench;
    feed(bench, "+" + framed("qSupported:swbreak+"));
    EXPECT_EQ(bench.target.stop_requests, 1U);
    EXPECT_EQ(bench.transport.writes, 0U);
    bench.packet("?");
    bench.stop({.thread = 1});
    auto replies = bench.replies();
    ASSERT_EQ(replies.size(), 4U);
    EXPECT_TRUE(replies[1].starts_with("PacketSize="));
    EXPECT_TRUE(replies[3].starts_with("T05"));
}

TEST(Running, APacketMayComeInPartBeforeAStopForAnotherReason) {
    Bench bench;
    feed(bench, "+$qC");
    EXPECT_EQ(bench.target.stop_requests, 0U);
    bench.raw("#b4");
    bench.stop({.reason = StopReason::Signal, .thread = 2, .signal = 11});
    EXPECT_EQ(bench.replies(), (Replies{"+", "QC2"}));
}

TEST(Running, ANewClientDoesNotGetTheOldOnesStopReply) {
    Bench bench;
    run(bench);
    feed(bench, "+" + framed("qSupported:swbreak+"));
    EXPECT_EQ(bench.target.stop_requests, 1U);
    bench.packet("qC");
    bench.stop({.reason = StopReason::SoftwareBreakpoint, .thread = 1});
    auto replies = bench.replies();
    ASSERT_EQ(replies.size(), 4U);
    EXPECT_EQ(replies[0], "+"); // although the old client had acknowledgements off
    EXPECT_TRUE(replies[1].starts_with("PacketSize="));
    EXPECT_EQ(replies[2], "+");
    EXPECT_TRUE(bench.target.inserted_breakpoints.empty());
}

TEST(Running, ADetachOnBehalfOfAClientThatVanishedLetsTheTargetRun) {
    Bench bench;
    run(bench);
    EXPECT_FALSE(bench.target.inserted_breakpoints.empty());
    feed(bench, framed("D"));
    const ResumePlan& plan = bench.stop({.thread = 1});
    EXPECT_EQ(plan.outcome, Outcome::Detached);
    EXPECT_EQ(bench.replies(), Replies{"OK"});
    EXPECT_TRUE(bench.target.inserted_breakpoints.empty());
    EXPECT_FALSE(bench.session.attached());
}

TEST(Running, ACtrlCRightBehindAResumptionIsNotLost) {
    Bench bench;
    bench.connect().packet("vCont;c").raw("\x03");
    EXPECT_EQ(bench.stop({.thread = 1}).outcome, Outcome::Detached);
    auto replies = bench.replies();
    ASSERT_EQ(replies.size(), 7U);
    EXPECT_TRUE(replies[6].starts_with("T02"));
}

TEST(Running, ACtrlCThatCameTooLateIsForgotten) {
    Bench bench;
    bench.connect().raw("\x03").packet("vCont;c");
    EXPECT_EQ(bench.stop({.thread = 1}).outcome, Outcome::Resume);
    // And in an interrupt, just before a breakpoint's stop.
    bench.replies();
    feed(bench, "\x03");
    bench.packet("vCont;c");
    EXPECT_EQ(bench.stop({.reason = StopReason::SoftwareBreakpoint, .thread = 1}).outcome, Outcome::Resume);
    EXPECT_TRUE(bench.replies().front().starts_with("T05swbreak"));
}

TEST(Running, ACtrlCEndsARangeStep) {
    Bench bench;
    bench.connect().packet("vCont;r10000,10008:1");
    bench.stop();
    bench.replies();
    feed(bench, "\x03");
    bench.stop({.reason = StopReason::Step, .thread = 1});
    EXPECT_TRUE(bench.replies().front().starts_with("T02"));
}

TEST(Running, AHundredClientsComeAndGo) {
    Bench bench;
    for (int i = 0; i < 100; ++i) {
        feed(bench, "+");
        feed(bench, framed("qSupported:swbreak+;hwbreak+"));
        EXPECT_EQ(bench.target.stop_requests, 1U);
        bench.packet("QStartNoAckMode").packet("?").packet("Z0,10004,1");
        // One in three detaches, one vanishes while stopped, one while running.
        if (i % 3 == 0)
            bench.packet("D");
        else if (i % 3 == 1)
            bench.packet("vCont;c");
        const ResumePlan& plan = bench.stop({.thread = 1});
        EXPECT_EQ(bench.target.inserted_breakpoints.size(), i % 3 == 1 ? 1U : 0U);
        auto replies = bench.replies();
        ASSERT_GE(replies.size(), 6U);
        EXPECT_EQ(replies[0], "+");
        EXPECT_EQ(bench.target.run(plan, {}, 10).stop->reason,
                  i % 3 == 1 ? StopReason::SoftwareBreakpoint : StopReason::Requested);
        bench.target.thread_by_id(1).registers.rip = 0x10000;
    }
}

} // namespace
} // namespace gdbstub::test
