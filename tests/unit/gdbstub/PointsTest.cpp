#include <gtest/gtest.h>

#include "tests/unit/gdbstub/ScriptedClient.h"

namespace gdbstub::test {
namespace {

using Replies = std::vector<std::string>;

/// The replies to `packets`, breakpoints left in place.
Replies answers(Bench& bench, std::initializer_list<const char*> packets) {
    bench.packet("QStartNoAckMode");
    for (const char* packet : packets)
        bench.packet(packet);
    bench.packet("vCont;c");
    bench.stop();
    Replies replies = bench.replies();
    return {replies.begin() + 2, replies.end()};
}

TEST(Points, AreInsertedAndRemoved) {
    Bench bench;
    EXPECT_EQ(answers(bench, {"Z0,10004,1", "Z0,10008,1", "z0,10004,1"}), (Replies{"OK", "OK", "OK"}));
    EXPECT_EQ(bench.target.inserted_breakpoints, std::set<uint64_t>{0x10008});
    EXPECT_TRUE(bench.target.log.empty());
}

TEST(Points, MayBeInsertedAndRemovedTwice) {
    Bench bench;
    EXPECT_EQ(answers(bench, {"Z0,10004,1", "Z0,10004,1", "z0,10004,1", "z0,10004,1"}),
              (Replies{"OK", "OK", "OK", "OK"}));
    EXPECT_TRUE(bench.target.inserted_breakpoints.empty());
    EXPECT_TRUE(bench.target.log.empty());
}

TEST(Points, OfDifferentKindsAtOneAddressAreOneBreakpoint) {
    Bench bench;
    EXPECT_EQ(answers(bench, {"Z0,10004,1", "Z0,10004,2", "z0,10004,2"}), (Replies{"OK", "OK", "OK"}));
    EXPECT_TRUE(bench.target.inserted_breakpoints.empty());
    EXPECT_TRUE(bench.target.log.empty());
}

TEST(Points, OfAllKindsReachTheTarget) {
    Bench bench;
    EXPECT_EQ(answers(bench, {"Z1,10004,1", "Z2,10100,4", "Z4,10200,8"}), (Replies{"OK", "OK", "OK"}));
    using Type = Point::Type;
    EXPECT_EQ(bench.target.inserted_points,
              (std::vector<Point>{{0x10004, 1, Type::Execute}, {0x10100, 4, Type::Write}, {0x10200, 8, Type::Access}}));
}

TEST(Points, ThatTheTargetCannotSetAreUnsupported) {
    Bench bench;
    EXPECT_EQ(bench.ask("Z3,10100,4"), ""); // no read watchpoints on this machine
    EXPECT_EQ(bench.ask("Z5,10100,4"), "");
    bench.target.offers_optional_parts = false;
    for (const char* packet : {"Z0,10004,1", "Z1,10004,1", "Z2,10100,4", "z0,10004,1"})
        EXPECT_EQ(bench.ask(packet), "") << packet;
}

TEST(Points, ThatTheTargetRefusesAreErrors) {
    Bench bench;
    EXPECT_EQ(bench.ask("Z0,0,1"), "E01");
    EXPECT_EQ(answers(bench, {"Z2,0,1", "Z2,1,1", "Z2,2,1", "Z2,3,1", "Z2,4,1"}),
              (Replies{"OK", "OK", "OK", "OK", "E1c"}));
}

TEST(Points, BeyondTheTableAreRefused) {
    Bench bench;
    bench.packet("QStartNoAckMode");
    for (int i = 0; i < 9; ++i)
        bench.packet("Z0,1000" + std::to_string(i) + ",1");
    bench.packet("z0,10000,1").packet("Z0,10008,1").packet("vCont;c");
    bench.stop();
    auto replies = bench.replies();
    ASSERT_EQ(replies.size(), 13U);
    EXPECT_EQ(replies[9], "OK");
    EXPECT_EQ(replies[10], "E1c");
    EXPECT_EQ(replies[12], "OK");
    EXPECT_EQ(bench.target.inserted_breakpoints.size(), 8U);
}

TEST(Points, GoWithTheClient) {
    for (const char* leaving : {"D", "vKill;1", "k"}) {
        Bench bench;
        answers(bench, {"Z0,10004,1", "Z2,10100,4"});
        bench.packet(leaving);
        bench.stop({.reason = StopReason::SoftwareBreakpoint, .thread = 1});
        EXPECT_TRUE(bench.target.inserted_breakpoints.empty()) << leaving;
        EXPECT_TRUE(bench.target.inserted_points.empty()) << leaving;
    }
}

} // namespace
} // namespace gdbstub::test
