#include "gdbstub/packet/Reply.h"

#include <array>
#include <string>

#include <gtest/gtest.h>

#include "tests/unit/gdbstub/ScriptedClient.h"

namespace gdbstub::test {
namespace {

std::string text(std::span<const uint8_t> bytes) {
    return {bytes.begin(), bytes.end()};
}

struct Writer {
    std::array<uint8_t, 128> buffer{};
    Reply reply{buffer};
    std::string frame(bool acknowledge = false) { return text(reply.frame(acknowledge)); }
};

TEST(Reply, FramesItsData) {
    Writer w;
    w.reply.put("OK");
    EXPECT_EQ(w.frame(), "$OK#9a");
    EXPECT_EQ(text(w.reply.frame_again()), "$OK#9a");
}

TEST(Reply, PutsTheAcknowledgementInFront) {
    Writer w;
    w.reply.put("OK");
    EXPECT_EQ(w.frame(true), "+$OK#9a");
    EXPECT_EQ(text(w.reply.frame_again()), "$OK#9a");
}

TEST(Reply, IsEmptyUntilWritten) {
    Writer w;
    EXPECT_TRUE(w.reply.frame_again().empty());
    EXPECT_EQ(w.frame(), "$#00");
    w.reply.clear();
    EXPECT_TRUE(w.reply.frame_again().empty());
}

TEST(Reply, WritesNumbersWithoutLeadingZeros) {
    Writer w;
    w.reply.number(0).put(',').number(0x1f).put(',').number(~uint64_t{0});
    EXPECT_EQ(unpacked(w.frame()),
              "$0,1f,ffffffffffffffff#" + framed("0,1f,f*,").substr(framed("0,1f,f*,").size() - 2));
}

TEST(Reply, EscapesBinaryData) {
    Writer w;
    for (char c : std::string_view("a}$#*b"))
        EXPECT_TRUE(w.reply.binary_byte(static_cast<uint8_t>(c)));
    EXPECT_EQ(w.frame(), framed("a}\x5d}\x04}\x03}\x0a"
                                "b"));
}

TEST(Reply, ShortensRunsOfEveryLength) {
    for (size_t length = 1; length <= 120; ++length) {
        Writer w;
        std::string data(length, '0');
        w.reply.put(data);
        std::string wire = w.frame();
        EXPECT_EQ(unpacked(wire.substr(1, wire.size() - 4)), data) << length;
        // The two lengths that '#' and '$' would stand for must not put these into the data.
        EXPECT_EQ(wire.find('#'), wire.size() - 3) << length;
        EXPECT_EQ(wire.find('$', 1), std::string::npos) << length;
        if (length > 5) {
            EXPECT_LT(wire.size(), length + 4) << length;
        }
    }
}

TEST(Reply, SurvivesCompressionWithEscapes) {
    Writer w;
    std::string data = "]]]]]]}}}}}}}}]]]]]]";
    for (char c : data)
        EXPECT_TRUE(w.reply.binary_byte(static_cast<uint8_t>(c)));
    std::string wire = w.frame();
    EXPECT_EQ(unpacked(wire.substr(1, wire.size() - 4)), data);
}

TEST(Reply, AnswersWithAnErrorIfTheDataDidNotFit) {
    Writer w;
    for (int i = 0; i < 200; ++i)
        w.reply.hex_byte(static_cast<uint8_t>(i));
    EXPECT_EQ(w.frame(), framed("E4b"));
}

TEST(Reply, RefusesABinaryByteWithoutRoom) {
    Writer w;
    while (w.reply.room() > 1)
        w.reply.put('a');
    EXPECT_FALSE(w.reply.binary_byte('#'));
    EXPECT_TRUE(w.reply.binary_byte('b'));
    EXPECT_FALSE(w.reply.binary_byte('b'));
    EXPECT_EQ(w.frame().front(), '$');
}

TEST(Reply, WritesErrors) {
    Writer w;
    w.reply.put("half a reply").error(14);
    EXPECT_EQ(w.frame(), framed("E0e"));
    w.reply.clear();
    w.reply.error(14, "No memory there: #1");
    EXPECT_EQ(w.frame(), framed("E.No memory there: 1"));
}

} // namespace
} // namespace gdbstub::test
