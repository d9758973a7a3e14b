// The printf of agent expressions, compared with the C library's where that can do the same.

#include <gtest/gtest.h>

#include <cstdio>

#include "gdbstub/agent/Print.h"
#include "tests/unit/gdbstub/AgentBench.h"

namespace gdbstub::test {
namespace {

using agent::Error;
using agent::Opcode;

constexpr uint64_t values[] = {
    0, 1, 8, 42, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0x123456789abcdef, uint64_t{1} << 63, ~uint64_t{0}};

/// What the C library makes of it; `format` has one conversion of an integer.
std::string by_c_library(const std::string& format, uint64_t value) {
    char text[600];
    // The argument is passed in a register of 64 bits, of which printf takes what the format says.
    std::snprintf(text, sizeof(text), format.c_str(), value); // NOLINT: the format is the test's
    return text;
}

TEST(AgentPrint, NumbersAreThoseOfTheCLibrary) {
    AgentBench bench;
    for (std::string flags : {"", "-", "0", "+", " ", "#", "-0", "+ ", "0+", "0#", "-#", "+-0 "})
        for (std::string width : {"", "12"})
            for (std::string precision : {"", ".", ".0", ".7", ".30"})
                for (std::string length : {"", "h", "l", "ll", "z"})
                    for (char kind : {'d', 'i', 'u', 'o', 'x', 'X'}) {
                        bool is_signed = kind == 'd' || kind == 'i';
                        if (!is_signed && flags.find_first_of("+ ") != std::string::npos)
                            continue;
                        if (kind == 'u' && flags.find('#') != std::string::npos)
                            continue;
                        std::string format = "<%" + flags + width + precision + length + kind + ">";
                        for (uint64_t value : values)
                            ASSERT_EQ(bench.printf(format, {value}), by_c_library(format, value)) << format;
                    }
}

TEST(AgentPrint, PointersAndCharacters) {
    AgentBench bench;
    EXPECT_EQ(bench.printf("%p|%12p|%-12p|%p", {0x12340, 0xffffffff81000000, 0xab, 0}),
              "0x12340|0xffffffff81000000|0xab        |(nil)");
    EXPECT_EQ(bench.printf("%c%c|%3c|%-3c|", {'a', 0x162, 'c', 'd'}), "ab|  c|d  |");
}

TEST(AgentPrint, StringsComeFromMemory) {
    AgentBench bench;
    bench.load(0x1000, std::string_view("hello\0", 6));
    EXPECT_EQ(bench.printf("%s|%8s|%-8s|%.3s|%5.2s|", {0x1000, 0x1000, 0x1000, 0x1000, 0x1000}),
              "hello|   hello|hello   |hel|   he|");
    EXPECT_EQ(bench.printf("%s %.4s %8s %s", {0, 0, 0, 0x1005}), "(null) (nul   (null) ");
}

TEST(AgentPrint, StringsNeedNotEndWherePrecisionDoes) {
    AgentBench bench;
    bench.load(0x1000, "no end");
    EXPECT_EQ(bench.printf("%.6s", {0x1000}), "no end");
    EXPECT_EQ(bench.print_error("%.7s", {0x1000}), Error::UnreadableMemory);
    EXPECT_EQ(bench.print_error("%s", {0x1000}), Error::UnreadableMemory);
    bench.load(0x2000, std::string(agent::longest_string, 'x') + std::string(1, '\0'));
    EXPECT_EQ(bench.printf("%s", {0x2000}).size(), agent::longest_string);
    bench.load(0x2000, std::string(agent::longest_string + 1, 'x'));
    EXPECT_EQ(bench.print_error("%s", {0x2000}), Error::StringTooLong);
}

TEST(AgentPrint, TextHasTheEscapesOfC) {
    AgentBench bench;
    EXPECT_EQ(bench.printf(R"(\t%d\n\\\a\b\e\f\r\v\" 100%%)", {1}), "\t1\n\\\a\b\033\f\r\v\" 100%");
    for (std::string_view format : {"\\", "\\x41", "\\0", "\\'"})
        EXPECT_EQ(bench.print_error(format), Error::BadFormat) << format;
}

TEST(AgentPrint, ArgumentsAreInTheirOrder) {
    AgentBench bench;
    EXPECT_EQ(bench.printf("%d %d %d", {1, 2, 3}), "1 2 3");
}

TEST(AgentPrint, WhatItCannotDoIsAnError) {
    AgentBench bench;
    for (std::string_view format : {"%f", "%e", "%g", "%E", "%G", "%Lf", "%Hf", "%Df", "%DDf", "%ls", "%lc", "%n",
                                    "%*d", "%.*d", "%256d", "%.256d", "%99999999999999999999d"})
        EXPECT_EQ(bench.print_error(format, {1}), Error::UnsupportedConversion) << format;
    for (std::string_view format :
         {"%",    "%5",  "%l",  "%hh",  "%hhd", "%lld%", "%q",  "%zld", "%jd", "%td",  "%+u",  "% x",     "%#u",
          "%.3c", "%0c", "%hs", "%lls", "%llc", "%0s",   "%+s", "%lp",  "%#p", "%.3p", "%\\n", "%- 5.3lQ"})
        EXPECT_EQ(bench.print_error(format, {1}), Error::BadFormat) << format;
    EXPECT_TRUE(bench.printed.empty());
}

TEST(AgentPrint, ArgumentsAreAsManyAsConversions) {
    AgentBench bench;
    EXPECT_EQ(bench.print_error("%d", {}), Error::WrongArgumentCount);
    EXPECT_EQ(bench.print_error("%d", {1, 2}), Error::WrongArgumentCount);
    EXPECT_EQ(bench.print_error("%%", {1}), Error::WrongArgumentCount);
    EXPECT_TRUE(bench.printed.empty());
}

TEST(AgentPrint, NothingIsPrintedOfWhatFails) {
    AgentBench bench;
    EXPECT_EQ(bench.print_error("before %s", {0x1000}), Error::UnreadableMemory);
    EXPECT_TRUE(bench.printed.empty());
}

TEST(AgentPrint, ComesInOneCallAsFarAsItFits) {
    AgentBench bench;
    bench.printf(std::string(agent::largest_print, 'a'));
    EXPECT_EQ(bench.printed.size(), 1U);
    EXPECT_EQ(bench.printf(std::string(agent::largest_print + 1, 'a')).size(), agent::largest_print + 1);
    EXPECT_EQ(bench.printed.size(), 2U);
}

TEST(AgentPrint, PaysForEachCharacter) {
    AgentBench bench;
    Code all = printf_code("%200d", {1});
    EXPECT_EQ(agent::run(all, bench, 100), agent::fail(Error::TooManyInstructions));
    EXPECT_TRUE(agent::run(all, bench, 300));
}

TEST(AgentPrint, MalformedInstructionsAreErrors) {
    AgentBench bench;
    auto error = [&](const Code& all) { return agent::run(all, bench).error(); };
    Code two = constant(0) + constant(0);
    EXPECT_EQ(error(two + code(Opcode::Printf, 0, 0, 0, Opcode::End)), Error::BadFormat);
    EXPECT_EQ(error(two + code(Opcode::Printf, 0, 0, 1, 'a', Opcode::End)), Error::BadFormat);
    EXPECT_EQ(error(two + code(Opcode::Printf, 1, 0, 1, 0, Opcode::End)), Error::StackUnderflow);
    EXPECT_EQ(error(constant(0) + code(Opcode::Printf, 0, 0, 1, 0, Opcode::End)), Error::StackUnderflow);
    EXPECT_TRUE(agent::run(two + code(Opcode::Printf, 0, 0, 3, 'a', 0, 0, Opcode::End), bench));
    EXPECT_EQ(bench.printed.back(), "a");
    bench.offers_parts = false;
    EXPECT_EQ(bench.print_error("a"), Error::NoPrinting);
}

} // namespace
} // namespace gdbstub::test
