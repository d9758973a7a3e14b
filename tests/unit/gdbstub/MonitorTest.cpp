#include <gtest/gtest.h>

#include "gdbstub/packet/Hex.h"
#include "tests/unit/gdbstub/ScriptedClient.h"

namespace gdbstub::test {
namespace {

using Replies = std::vector<std::string>;

std::string to_hex(std::string_view text) {
    std::string out;
    for (char c : text)
        out += {hex_digit(static_cast<uint8_t>(c) >> 4), hex_digit(static_cast<uint8_t>(c))};
    return out;
}

std::string from_hex(std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size() / 2; ++i)
        out += static_cast<char>(hex_byte(text, i));
    return out;
}

/// What `monitor command` prints, and behind it the last reply.
std::string printed(Bench& bench, std::string_view command) {
    bench.replies();
    bench.packet("QStartNoAckMode").packet("qRcmd," + to_hex(command));
    bench.stop();
    std::string text;
    auto replies = bench.replies();
    for (size_t i = 2; i < replies.size(); ++i)
        text += replies[i].starts_with("O") && replies[i] != "OK" ? from_hex(replies[i].substr(1)) : replies[i];
    return text;
}

TEST(Monitor, CommandsReachTheTarget) {
    Bench bench;
    EXPECT_EQ(printed(bench, " view kernel "), "OK");
    EXPECT_EQ(bench.target.log, Replies{"view kernel"});
    EXPECT_EQ(printed(bench, "nonsense"), "No such command; try help.\nOK");
}

TEST(Monitor, HelpHasOneLineForEachCommand) {
    Bench bench;
    std::string help = printed(bench, "help");
    EXPECT_NE(help.find("why "), std::string::npos);
    EXPECT_NE(help.find("view app|kernel "), std::string::npos);
}

TEST(Monitor, LongOutputTakesSeveralPackets) {
    Bench bench(2048);
    std::string expected;
    for (int i = 0; i < 1000; ++i)
        expected += "line\n";
    EXPECT_EQ(printed(bench, "much"), expected + "OK");
}

TEST(Monitor, TheFirstOfSeveralPacketsAcknowledges) {
    Bench bench(2048);
    bench.packet("qRcmd," + to_hex("much"));
    bench.stop();
    auto replies = bench.replies();
    EXPECT_GT(replies.size(), 3U);
    EXPECT_EQ(std::count(replies.begin(), replies.end(), "+"), 1);
    EXPECT_EQ(replies.front(), "+");
}

TEST(Monitor, TellsWhyTheLastRequestWasRefused) {
    Bench bench;
    EXPECT_EQ(printed(bench, "why"), "Nothing has been refused.\nOK");
    bench.target.refuses_breakpoints = true;
    EXPECT_EQ(bench.ask("Z0,10004,1"), "E01");
    EXPECT_EQ(printed(bench, "why"), "A breakpoint cannot be set there.\nOK");
    EXPECT_EQ(printed(bench, "refuse"), "E01");
    EXPECT_EQ(printed(bench, "why"), "This is refused.\nOK");
}

TEST(Monitor, BadCommandsAreRefused) {
    Bench bench;
    EXPECT_EQ(bench.ask("qRcmd,7"), "E16");
    EXPECT_EQ(bench.ask("qRcmd,zz"), "E16");
    EXPECT_EQ(bench.ask("qRcmd," + std::string(514, '6')), "E07");
}

TEST(Monitor, WithoutATargetsCommandsThereIsStillWhy) {
    Bench bench;
    bench.target.offers_optional_parts = false;
    EXPECT_EQ(printed(bench, "view app"), "");
    EXPECT_EQ(printed(bench, "why"), "Nothing has been refused.\nOK");
    EXPECT_NE(printed(bench, "help").find("why "), std::string::npos);
}

} // namespace
} // namespace gdbstub::test
