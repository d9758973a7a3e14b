// Frames stay whole whatever the host takes, and when.

#include "libos/control/FrameSender.h"
#include "tests/unit/auth/FakeLine.h"

#include <gtest/gtest.h>

#include <string>

namespace control {
namespace {

std::span<const std::byte> bytes(const std::string& text) {
    return std::as_bytes(std::span(text));
}

struct FrameSenderTest : testing::Test {
    std::string received() {
        auto got = line.receive();
        return {reinterpret_cast<const char*>(got.data()), got.size()};
    }
    /// `host` runs in each pause.
    bool send(const std::string& frame, int pauses, std::function<void()> host = [] {}) {
        return sender.send(line, bytes(frame), [&] {
            host();
            return --pauses > 0;
        });
    }

    auth::test::FakeLine line;
    FrameSender<8> sender;
};

TEST_F(FrameSenderTest, WaitsForRoom) {
    line.capacity = 3;
    std::string host;
    EXPECT_TRUE(send("abcdefgh", 10, [&] { host += received(); }));
    EXPECT_EQ(host + received(), "abcdefgh");
}

TEST_F(FrameSenderTest, CompletesWhatWasCutBeforeTheNextFrame) {
    line.capacity = 3;
    EXPECT_FALSE(send("abcdefgh", 5));
    EXPECT_EQ(received(), "abc");
    EXPECT_FALSE(send("12", 5)); // not even the rest goes out
    EXPECT_EQ(received(), "def");
    line.capacity = 100;
    EXPECT_TRUE(send("34", 5));
    EXPECT_EQ(received(), "gh34");
}

TEST_F(FrameSenderTest, DropsWholeWhatHadNotBegun) {
    line.capacity = 0;
    EXPECT_FALSE(send("abc", 5));
    line.capacity = 100;
    EXPECT_TRUE(send("def", 5));
    EXPECT_EQ(received(), "def");
}

TEST_F(FrameSenderTest, AnotherHostGetsNoRest) {
    line.capacity = 3;
    EXPECT_FALSE(send("abcdefgh", 5));
    line.replace_host();
    line.capacity = 100;
    EXPECT_TRUE(send("12", 5));
    EXPECT_EQ(received(), "12");
}

TEST_F(FrameSenderTest, GivesUpAtOnceWithoutAHost) {
    line.set_connected(false);
    int pauses = 0;
    EXPECT_FALSE(send("abc", 5, [&] { ++pauses; }));
    EXPECT_EQ(pauses, 0);
}

} // namespace
} // namespace control
