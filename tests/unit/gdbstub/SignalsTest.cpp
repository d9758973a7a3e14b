#include "gdbstub/Signals.h"

#include <gtest/gtest.h>

#include "tests/unit/gdbstub/ScriptedClient.h"

namespace gdbstub::test {
namespace {

TEST(Signals, HaveGdbsNumbers) {
    // Linux' number, gdb's number; from `info signals` and gdb's "signal N" messages.
    const std::pair<int, int> known[] = {{2, 2},   {5, 5},   {7, 10},  {9, 9},   {10, 30}, {11, 11},
                                         {12, 31}, {15, 15}, {17, 20}, {18, 19}, {19, 17}, {29, 23},
                                         {31, 12}, {32, 77}, {33, 45}, {34, 46}, {63, 75}, {64, 78}};
    for (auto [linux_number, gdb_number] : known) {
        EXPECT_EQ(to_gdb_signal(linux_number), gdb_number);
        EXPECT_EQ(to_linux_signal(static_cast<uint64_t>(gdb_number)), linux_number);
    }
}

TEST(Signals, ComeBackFromGdbAsTheyWere) {
    for (int signal = 0; signal <= 64; ++signal) {
        if (signal != 16) { // SIGSTKFLT, which gdb does not know
            EXPECT_EQ(to_linux_signal(to_gdb_signal(signal)), signal);
        }
    }
}

TEST(Signals, ThatDoNotExistAreUnknown) {
    EXPECT_EQ(to_gdb_signal(-1), 143);
    EXPECT_EQ(to_gdb_signal(65), 143);
    EXPECT_EQ(to_linux_signal(143), -1);
    EXPECT_EQ(to_linux_signal(7), -1); // SIGEMT
    EXPECT_EQ(to_linux_signal(~uint64_t{0}), -1);
}

TEST(Signals, StopTheWorldUnlessGdbPassesThem) {
    Bench bench;
    EXPECT_FALSE(bench.session.stops_for_signal(10));
    bench.packet("QPassSignals:e;14;1e").packet("vCont;c");
    bench.stop();
    EXPECT_TRUE(bench.session.stops_for_signal(11));
    EXPECT_FALSE(bench.session.stops_for_signal(10)); // 0x1e
    EXPECT_FALSE(bench.session.stops_for_signal(14)); // 0x0e
    bench.packet("QPassSignals:").packet("vCont;c");
    bench.stop();
    EXPECT_TRUE(bench.session.stops_for_signal(10));
    bench.packet("D");
    bench.stop();
    EXPECT_FALSE(bench.session.stops_for_signal(10));
}

TEST(Signals, MalformedListsAreRefused) {
    Bench bench;
    for (const char* list : {"x", "e;", "e;;14", "e,14", "a0", "ffffffffffffffffff"})
        EXPECT_NE(bench.ask(std::string("QPassSignals:") + list), "") << list;
    EXPECT_EQ(bench.ask("QPassSignals:a0"), "E16");
    EXPECT_EQ(bench.ask("QProgramSignals:0;1;3;9f"), "OK");
}

TEST(Signals, DetachingDeliversWhatTheProgramMayGet) {
    StopEvent segfault{.reason = StopReason::Signal, .thread = 2, .signal = 11};
    Bench bench;
    bench.packet("D");
    EXPECT_EQ(bench.stop(segfault).action_for(2).signal, 11);
    EXPECT_EQ(bench.session.run_stopped({.thread = 1}).action_for(2).signal, 0);

    bench.packet("QProgramSignals:e;b").packet("D");
    EXPECT_EQ(bench.stop(segfault).action_for(2).signal, 11);
    bench.packet("QProgramSignals:e").packet("D");
    const ResumePlan& plan = bench.stop(segfault);
    EXPECT_EQ(plan.action_for(2).signal, 0);
    EXPECT_TRUE(plan.is_plain_continue());
}

} // namespace
} // namespace gdbstub::test
