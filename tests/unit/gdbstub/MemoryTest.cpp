#include <gtest/gtest.h>

#include "tests/unit/gdbstub/ScriptedClient.h"

namespace gdbstub::test {
namespace {

TEST(Memory, IsReadInHexadecimal) {
    Bench bench;
    EXPECT_EQ(bench.ask("m1000f,3"), "90ebee");
    EXPECT_EQ(bench.ask("m10000,0"), "");
}

TEST(Memory, IsReadInBinary) {
    Bench bench;
    bench.target.load(0x10100, {0, '#', '$', '}', '*', 3, 0xff});
    EXPECT_EQ(bench.ask("x10100,7"), "b" + std::string("\0#$}*\x03\xff", 7));
    EXPECT_EQ(bench.ask("x10100,0"), "b");
}

TEST(Memory, AShortAnswerEndsAtTheHole) {
    Bench bench;
    EXPECT_EQ(bench.ask("m1fffe,10"), "0000");
    EXPECT_EQ(bench.ask("x1fffe,10"), std::string("b\0\0", 3));
    EXPECT_EQ(bench.ask("m20000,1"), "E0e");
    EXPECT_EQ(bench.ask("x20000,1"), "E0e");
    EXPECT_EQ(bench.ask("m0,1"), "E0e");
}

TEST(Memory, NothingWrapsAround) {
    Bench bench;
    EXPECT_EQ(bench.ask("mffffffffffffffff,2"), "E0e");
    EXPECT_EQ(bench.ask("mffffffffffffffff,1"), "E0e");
    EXPECT_EQ(bench.ask("m10000,ffffffffffffffff"), "E0e");
    EXPECT_EQ(bench.ask("Xffffffffffffffff,2:ab"), "E0e");
}

TEST(Memory, AnswersAreAsLongAsTheBuffer) {
    Bench bench(4096);
    std::string hex = bench.ask("m10000,10000");
    EXPECT_EQ(hex.size(), (4096 - 5) / 2 * 2);
    std::string binary = bench.ask("x10000,10000");
    EXPECT_EQ(binary.size(), 4096 - 5);
    // With every byte escaped, half as much.
    std::fill(bench.target.memory.begin(), bench.target.memory.end(), '}');
    EXPECT_EQ(bench.ask("x10000,10000").size(), 1 + (4096 - 6) / 2);
}

TEST(Memory, IsWrittenInHexadecimal) {
    Bench bench;
    EXPECT_EQ(bench.ask("M10100,4:deadbeef"), "OK");
    EXPECT_EQ(bench.ask("m10100,4"), "deadbeef");
    EXPECT_EQ(bench.ask("M10100,0:"), "OK");
}

TEST(Memory, IsWrittenInBinary) {
    Bench bench;
    std::string bytes;
    for (int i = 0; i < 1000; ++i)
        bytes += static_cast<char>(i);
    EXPECT_EQ(bench.ask("X10100,3e8:" + escaped(bytes)), "OK");
    EXPECT_EQ(bench.ask("x10100,3e8"), "b" + bytes);
    EXPECT_EQ(bench.ask("X10100,0:"), "OK");
}

TEST(Memory, DataOfTheWrongLengthIsRefused) {
    Bench bench;
    for (const char* packet : {"M10100,4:deadbe", "M10100,4:deadbeef00", "M10100,4:deadbeeg", "M10100,1:d",
                               "X10100,4:abc", "X10100,4:abcde", "Xffffffffffffffff,ffffffffffffffff:a"})
        EXPECT_EQ(bench.ask(packet), "E16") << packet;
    EXPECT_EQ(bench.ask("m10100,4"), "00000000");
}

TEST(Memory, ThatCannotBeWrittenIsRefused) {
    Bench bench;
    EXPECT_EQ(bench.ask("M1f000,1:90"), "E0e");
    EXPECT_EQ(bench.ask("M20000,1:90"), "E0e");
}

TEST(Memory, IsSummedUp) {
    Bench bench;
    // "123456789" under the polynomial of CRC-32/MPEG-2.
    bench.target.load(0x10100, {'1', '2', '3', '4', '5', '6', '7', '8', '9'});
    EXPECT_EQ(bench.ask("qCRC:10100,9"), "C376e6e7");
    EXPECT_EQ(bench.ask("qCRC:10000,10000").front(), 'C');
    EXPECT_EQ(bench.ask("qCRC:10000,10001"), "E0e");
    EXPECT_EQ(bench.ask("qCRC:10000,ffffffffffffffff"), "E0e");
}

TEST(Memory, IsSearched) {
    Bench bench(2048);
    std::string pattern = "needle #1";
    auto at = [&](uint64_t address) { return bench.target.memory.begin() + static_cast<ptrdiff_t>(address - 0x10000); };
    // At each place around the edge of a window.
    for (uint64_t address = 0x10000 + 2048 - 30; address < 0x10000 + 2048 + 10; ++address) {
        std::copy(pattern.begin(), pattern.end(), at(address));
        char expected[16];
        snprintf(expected, sizeof(expected), "1,%lx", static_cast<unsigned long>(address));
        EXPECT_EQ(bench.ask("qSearch:memory:10000;8000;" + escaped(pattern)), expected);
        std::fill_n(at(address), pattern.size(), uint8_t{0});
    }
    EXPECT_EQ(bench.ask("qSearch:memory:10000;8000;" + escaped(pattern)), "0");
    EXPECT_EQ(bench.ask("qSearch:memory:10000;3;" + escaped(pattern)), "0");
    EXPECT_EQ(bench.ask("qSearch:memory:10000;8000;"), "E07");
    EXPECT_EQ(bench.ask("qSearch:memory:10000;20000;x"), "E0e");
}

} // namespace
} // namespace gdbstub::test
