#include <gtest/gtest.h>

#include "tests/unit/gdbstub/ScriptedClient.h"

namespace gdbstub::test {
namespace {

using Replies = std::vector<std::string>;

TEST(Threads, AreListed) {
    Bench bench;
    bench.packet("QStartNoAckMode").packet("qfThreadInfo").packet("qsThreadInfo").packet("qfThreadInfo");
    bench.stop();
    EXPECT_EQ(bench.replies(), (Replies{"+", "OK", "m1,2,1f", "l", "m1,2,1f"}));
}

TEST(Threads, ManyAreListedInSeveralPackets) {
    Bench bench(2048);
    bench.target.threads.clear();
    for (ThreadId id = 1; id <= 1000; ++id)
        bench.target.threads.push_back({id, "t", "", -1, {}});
    bench.packet("QStartNoAckMode").packet("qfThreadInfo");
    for (int i = 0; i < 4; ++i)
        bench.packet("qsThreadInfo");
    bench.stop();
    size_t listed = 0;
    std::string last;
    for (const std::string& reply : bench.replies())
        if (reply.starts_with("m"))
            listed += static_cast<size_t>(std::count(reply.begin(), reply.end(), ',')) + 1;
        else
            last = reply;
    EXPECT_EQ(listed, 1000U);
    EXPECT_EQ(last, "l");
}

TEST(Threads, AreAliveOrNot) {
    Bench bench;
    EXPECT_EQ(bench.ask("T1f"), "OK");
    EXPECT_EQ(bench.ask("T3"), "E03");
}

TEST(Threads, AreSelectedForRegisters) {
    Bench bench;
    bench.packet("QStartNoAckMode").packet("Hg2").packet("p0").packet("Hg0").packet("p0").packet("Hg7").packet("Hx1");
    bench.stop();
    EXPECT_EQ(bench.replies(), (Replies{"+", "OK", "OK", "0210000000000000", "OK", "0110000000000000", "E03", ""}));
}

TEST(Threads, AStopSelectsItsThread) {
    Bench bench;
    bench.packet("QStartNoAckMode").packet("Hg2").packet("vCont;c");
    bench.stop();
    bench.packet("p0");
    bench.stop({.reason = StopReason::Step, .thread = 0x1f});
    EXPECT_EQ(bench.replies().back(), "1f10000000000000");
}

TEST(Threads, TheCurrentOneIsTheOneThatStopped) {
    Bench bench;
    bench.packet("qC");
    bench.stop({.thread = 2});
    EXPECT_EQ(bench.replies().back(), "QC2");
    // A thread that gdb must not see stands for the first that it sees.
    bench.packet("qC");
    bench.stop({.thread = 77});
    EXPECT_EQ(bench.replies().back(), "QC1");
}

TEST(Threads, DescribeThemselves) {
    Bench bench;
    EXPECT_EQ(bench.ask("qThreadExtraInfo,2"), "776f726b65723a206675746578207761697"
                                               "4"); // worker: futex wait
    EXPECT_EQ(bench.ask("qThreadExtraInfo,9"), "E03");
}

TEST(Threads, HaveLocalVariables) {
    Bench bench;
    EXPECT_EQ(bench.ask("qGetTLSAddr:1,4,0"), "13fe4");
    EXPECT_EQ(bench.ask("qGetTLSAddr:9,4,0"), "E03");
    EXPECT_EQ(bench.ask("qGetTLSAddr:1,4,1000"), "E16");
    bench.target.offers_optional_parts = false;
    EXPECT_EQ(bench.ask("qGetTLSAddr:1,4,0"), "");
}

} // namespace
} // namespace gdbstub::test
