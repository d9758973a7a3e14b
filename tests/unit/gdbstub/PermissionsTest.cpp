// QAllow. GDB manual, "General Query Packets".

#include <algorithm>

#include <gtest/gtest.h>

#include "tests/unit/gdbstub/ScriptedClient.h"

namespace gdbstub::test {
namespace {

using Replies = std::vector<std::string>;

Replies ask_after(const std::string& list, std::initializer_list<std::string> packets) {
    Bench bench;
    bench.packet("QStartNoAckMode").packet("QAllow:" + list);
    for (const std::string& packet : packets)
        bench.packet(packet);
    bench.stop();
    Replies replies = bench.replies();
    replies.erase(replies.begin(), replies.begin() + 2);
    return replies;
}

TEST(Permissions, WhatIsGivenUpIsRefused) {
    EXPECT_EQ(ask_after("WriteReg:0", {"P0=0000000000000000", "G00", "qXfer:siginfo:write::0:a", "M10000,1:90", "p0"}),
              (Replies{"OK", "E01", "E01", "E01", "OK", "0110000000000000"}));
    EXPECT_EQ(ask_after("WriteMem:0", {"M10000,1:90", "X10000,1:z", "P0=0000000000000000", "m10000,1"}),
              (Replies{"OK", "E01", "E01", "OK", "90"}));
    EXPECT_EQ(ask_after("InsertBreak:0", {"Z0,10000,1", "Z1,10000,1", "Z2,10000,1", "z0,10000,1", "M10000,1:90"}),
              (Replies{"OK", "E01", "E01", "E01", "OK", "OK"}));
    EXPECT_EQ(ask_after("WriteReg:0", {"c10004"}), (Replies{"OK", "E01"}));
    EXPECT_EQ(ask_after("WriteReg:0;WriteMem:0", {"QAllow:WriteMem:1", "M10000,1:90", "P0=0000000000000000"}),
              (Replies{"OK", "OK", "OK", "E01"}));
}

TEST(Permissions, WhoMayNotStopIsNotHeard) {
    Bench bench;
    bench.packet("QStartNoAckMode").packet("QAllow:Stop:0").packet("vCont;c");
    bench.stop();
    bench.session.on_byte(3);
    EXPECT_EQ(bench.target.stop_requests, 0U);
}

TEST(Permissions, AreTheClientsOwn) {
    Bench bench;
    bench.packet("QStartNoAckMode").packet("QAllow:WriteMem:0").packet("D");
    bench.stop();
    EXPECT_EQ(bench.ask("M10000,1:90"), "OK");
}

TEST(Permissions, MalformedListsChangeNothing) {
    for (const char* list : {"", "WriteMem", "WriteMem:", "WriteMem:2", "Writing:0", "WriteMem:0;", "WriteMem:0,Stop:0",
                             "WriteMem:0;Nothing:1", "WriteMem:0 "})
        EXPECT_EQ(ask_after(list, {"M10000,1:90"}), (Replies{"E16", "OK"})) << list;
}

TEST(Permissions, RefusalsAreAudited) {
    Bench bench;
    bench.packet("QStartNoAckMode").packet("QAllow:WriteMem:0").packet("M10000,1:90");
    bench.stop();
    EXPECT_NE(std::ranges::find(bench.target.audited, "refused control write memory"), bench.target.audited.end());
}

} // namespace
} // namespace gdbstub::test
