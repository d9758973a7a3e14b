// QCatchSyscalls. GDB manual, "General Query Packets".

#include <gtest/gtest.h>

#include "tests/unit/gdbstub/ScriptedClient.h"

namespace gdbstub::test {
namespace {

/// The world goes on afterwards, and gdb is still there.
void say(Bench& bench, const std::string& list) {
    bench.packet("QCatchSyscalls:" + list).packet("vCont;c");
    bench.stop();
}

TEST(SystemCalls, AreCaughtByNumberOrAll) {
    Bench bench;
    EXPECT_FALSE(bench.session.stops_for_system_call(39));
    say(bench, "1;27;3ff");
    EXPECT_TRUE(bench.session.stops_for_system_call(0x27));
    EXPECT_TRUE(bench.session.stops_for_system_call(0x3ff));
    EXPECT_FALSE(bench.session.stops_for_system_call(0x28));
    EXPECT_FALSE(bench.session.stops_for_system_call(0x427));
    say(bench, "1");
    EXPECT_TRUE(bench.session.stops_for_system_call(0x28));
    EXPECT_TRUE(bench.session.stops_for_system_call(~uint64_t{0}));
    say(bench, "1;1");
    EXPECT_TRUE(bench.session.stops_for_system_call(1));
    EXPECT_FALSE(bench.session.stops_for_system_call(0x27));
    say(bench, "0");
    EXPECT_FALSE(bench.session.stops_for_system_call(1));
}

TEST(SystemCalls, AreNobodysWhenTheClientIsGone) {
    Bench bench;
    say(bench, "1");
    bench.packet("D");
    bench.stop();
    EXPECT_FALSE(bench.session.stops_for_system_call(39));
    say(bench, "1");
    bench.session.set_access(Access::Observe);
    EXPECT_FALSE(bench.session.stops_for_system_call(39));
}

TEST(SystemCalls, MalformedListsChangeNothing) {
    Bench bench;
    say(bench, "1;27");
    for (const char* list :
         {"", "2", "0;27", "1;", "1;;1", "1,28", "1;28;", "1;28;x", "1;28;400", "1;ffffffffffffffffff"})
        say(bench, list);
    EXPECT_TRUE(bench.session.stops_for_system_call(0x27));
    EXPECT_FALSE(bench.session.stops_for_system_call(0x28));
}

TEST(SystemCalls, EachListHasAnAnswer) {
    Bench bench;
    EXPECT_EQ(bench.ask("QCatchSyscalls:1;27"), "OK");
    EXPECT_EQ(bench.ask("QCatchSyscalls:1;x"), "E16");
    EXPECT_EQ(bench.ask("QCatchSyscalls:1;400"), "E22");
}

TEST(SystemCalls, AreOfferedWhereTheTargetReportsThem) {
    Bench bench;
    EXPECT_NE(bench.ask("qSupported:").find(";QCatchSyscalls+"), std::string::npos);
    bench.target.offers_optional_parts = false;
    EXPECT_EQ(bench.ask("qSupported:").find("QCatchSyscalls"), std::string::npos);
    EXPECT_EQ(bench.ask("QCatchSyscalls:1"), "");
    EXPECT_FALSE(bench.session.stops_for_system_call(39));
}

} // namespace
} // namespace gdbstub::test
