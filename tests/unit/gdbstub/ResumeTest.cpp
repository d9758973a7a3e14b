// Resuming, and what gdb is told at the next stop. GDB manual, "Stop Reply Packets".

#include <gtest/gtest.h>

#include "tests/unit/gdbstub/ScriptedClient.h"

namespace gdbstub::test {
namespace {

using Replies = std::vector<std::string>;

const char* const expedited_1 = "06:0000000000000000;07:0081010000000000;10:0000010000000000;thread:1;core:0;";

/// Resumes, then stops with `event`: the stop reply.
std::string stop_reply(Bench& bench, const StopEvent& event, std::string_view resumption = "vCont;c") {
    bench.connect().packet(resumption);
    bench.stop();
    bench.replies();
    bench.raw("+");
    bench.stop(event);
    auto replies = bench.replies();
    EXPECT_EQ(replies.size(), 1U);
    return replies.empty() ? "" : replies.front();
}

TEST(StopReply, CarriesThreadProcessorAndExpeditedRegisters) {
    Bench bench;
    EXPECT_EQ(stop_reply(bench, {.reason = StopReason::Step, .thread = 1}), std::string("T05") + expedited_1);
}

TEST(StopReply, NamesTheReason) {
    Bench bench;
    EXPECT_TRUE(
        stop_reply(bench, {.reason = StopReason::SoftwareBreakpoint, .thread = 1}).starts_with("T05swbreak:;0"));
    EXPECT_TRUE(
        stop_reply(bench, {.reason = StopReason::HardwareBreakpoint, .thread = 1}).starts_with("T05hwbreak:;0"));
    StopEvent watch{.reason = StopReason::Watchpoint, .thread = 1, .point = PointKind::Write, .address = 0x10100};
    EXPECT_TRUE(stop_reply(bench, watch).starts_with("T05watch:10100;0"));
    watch.point = PointKind::Read;
    EXPECT_TRUE(stop_reply(bench, watch).starts_with("T05rwatch:10100;0"));
    watch.point = PointKind::Access;
    EXPECT_TRUE(stop_reply(bench, watch).starts_with("T05awatch:10100;0"));
    EXPECT_TRUE(stop_reply(bench, {.reason = StopReason::Signal, .thread = 1, .signal = 7}).starts_with("T0a"));
    EXPECT_TRUE(stop_reply(bench, {.reason = StopReason::SystemCallEntry, .thread = 1, .system_call = 0x27})
                    .starts_with("T05syscall_entry:27;0"));
    EXPECT_TRUE(stop_reply(bench, {.reason = StopReason::SystemCallReturn, .thread = 1, .system_call = 0x13c})
                    .starts_with("T05syscall_return:13c;0"));
}

TEST(StopReply, KeepsReasonsFromAClientThatDoesNotKnowThem) {
    Bench bench;
    bench.packet("qSupported:xmlRegisters=i386").packet("vCont;c");
    bench.stop();
    bench.replies();
    bench.stop({.reason = StopReason::SoftwareBreakpoint, .thread = 1});
    EXPECT_EQ(bench.replies(), Replies{std::string("T05") + expedited_1});
}

TEST(StopReply, LeavesOutWhatIsNotKnown) {
    Bench bench;
    RegisterFile& file = bench.target.thread_by_id(0x1f).registers;
    file.set_unavailable(6);
    EXPECT_EQ(stop_reply(bench, {.reason = StopReason::Step, .thread = 0x1f}),
              "T0507:009f010000000000;10:0000010000000000;thread:1f;");
}

TEST(StopReply, IsSentOnlyToAClientThatWaits) {
    Bench bench;
    bench.stop({.reason = StopReason::Step, .thread = 1});
    EXPECT_EQ(bench.replies(), Replies{});
    bench.connect().packet("?");
    bench.stop({.reason = StopReason::Signal, .thread = 1, .signal = 11});
    EXPECT_EQ(bench.replies().back(), std::string("T0b") + expedited_1);
}

TEST(StopReply, TellsTheEnd) {
    Bench bench;
    bench.connect().packet("Z0,10004,1").packet("vCont;c");
    bench.stop();
    bench.replies();
    bench.session.report_exit(42);
    EXPECT_EQ(bench.replies(), Replies{"W2a"});
    EXPECT_FALSE(bench.session.attached());
    bench.session.report_exit(42);
    EXPECT_EQ(bench.replies(), Replies{});

    bench.connect().packet("vCont;c");
    bench.stop();
    bench.replies();
    bench.session.report_termination(6);
    EXPECT_EQ(bench.replies(), Replies{"X06"});
}

TEST(Resume, SaysWhatItCan) {
    Bench bench;
    EXPECT_EQ(bench.ask("vCont?"), "vCont;c;C;s;S;t;r");
}

TEST(Resume, GivesEachThreadItsAction) {
    Bench bench;
    bench.packet("vCont;s:2;C0b:1f;c");
    const ResumePlan& plan = bench.stop();
    EXPECT_EQ(plan.outcome, Outcome::Resume);
    EXPECT_EQ(plan.action_for(1).kind, ResumeKind::Continue);
    EXPECT_EQ(plan.action_for(2).kind, ResumeKind::Step);
    EXPECT_EQ(plan.action_for(0x1f).signal, 11);
    EXPECT_EQ(bench.replies(), Replies{"+"});
    EXPECT_TRUE(bench.session.attached());
}

TEST(Resume, RefusesNonsenseAndStaysStopped) {
    Bench bench;
    for (const char* packet : {"vCont;", "vCont;x", "vCont;Cff", "C8f", "cx"})
        EXPECT_EQ(bench.ask(packet), "E16") << packet;
    EXPECT_EQ(bench.ask("vCont"), "E16");
}

TEST(Resume, UnderstandsTheOlderPackets) {
    Bench bench;
    bench.packet("c");
    const ResumePlan& plan = bench.stop({.thread = 2});
    EXPECT_EQ(plan.action_for(1).kind, ResumeKind::Continue);
    EXPECT_EQ(plan.action_for(2).kind, ResumeKind::Continue);

    bench.packet("s");
    bench.stop({.thread = 2});
    EXPECT_EQ(plan.action_for(1).kind, ResumeKind::Continue);
    EXPECT_EQ(plan.action_for(2).kind, ResumeKind::Step);

    bench.packet("Hc1").packet("S0f;10002");
    bench.stop({.thread = 2});
    EXPECT_EQ(plan.action_for(1).kind, ResumeKind::Step);
    EXPECT_EQ(plan.action_for(1).signal, 15);
    EXPECT_EQ(plan.action_for(2).kind, ResumeKind::Stay);
    EXPECT_EQ(bench.target.thread_by_id(1).registers.rip, 0x10002U);
}

TEST(Resume, StepsThroughARangeWithoutATurn) {
    for (bool target_steps_itself : {false, true}) {
        Bench bench;
        bench.target.steps_ranges_itself = target_steps_itself;
        bench.connect().packet("vCont;r10000,10008:1");
        const ResumePlan* plan = &bench.stop();
        bench.replies();
        unsigned steps = 0;
        // As a kernel would: whatever stops, goes to the session.
        do {
            Halt halt = bench.target.run(*plan);
            ASSERT_TRUE(halt.stop);
            if (bench.target.thread_by_id(1).registers.rip == 0x10008)
                bench.packet("D");
            plan = &bench.stop(*halt.stop);
            ++steps;
        } while (plan->outcome == Outcome::Resume);
        EXPECT_EQ(steps, target_steps_itself ? 1U : 8U);
        EXPECT_EQ(bench.replies().front(),
                  "T0506:0000000000000000;07:0081010000000000;10:0800010000000000;thread:1;core:0;");
        EXPECT_EQ(bench.target.thread_by_id(2).registers.rip, 0x10000U);
    }
}

TEST(Resume, ASignalIsDeliveredOnceInARange) {
    Bench bench;
    bench.connect().packet("vCont;r10000,10008:1;C0f:2;c");
    const ResumePlan& plan = bench.stop();
    EXPECT_EQ(plan.action_for(2).signal, 15);
    EXPECT_EQ(&bench.stop({.reason = StopReason::Step, .thread = 1}), &plan);
    EXPECT_EQ(plan.action_for(1).kind, ResumeKind::RangeStep);
    EXPECT_EQ(plan.action_for(2).signal, 0);
}

TEST(Resume, ARangeEndsAtABreakpoint) {
    Bench bench;
    bench.connect().packet("Z0,10004,1").packet("vCont;r10000,10008:1");
    const ResumePlan* plan = &bench.stop();
    bench.replies();
    bench.packet("D");
    do {
        Halt halt = bench.target.run(*plan);
        ASSERT_TRUE(halt.stop);
        plan = &bench.stop(*halt.stop);
        bench.target.inserted_breakpoints.insert(0x10004); // steps of this machine pass breakpoints where they begin
    } while (plan->outcome == Outcome::Resume && bench.target.thread_by_id(1).registers.rip < 0x10008);
    EXPECT_FALSE(bench.replies().empty());
}

} // namespace
} // namespace gdbstub::test
