#include "gdbstub/arch/Registers.h"

#include <array>

#include <gtest/gtest.h>

#include "tests/unit/gdbstub/ScriptedClient.h"

namespace gdbstub::test {
namespace {

size_t g_packet_digits(size_t count) {
    size_t digits = 0;
    for (size_t i = 0; i < count; ++i)
        digits += 2 * arch::registers[i].bytes();
    return digits;
}

uint16_t read_ftag(const RegisterFile& file) {
    std::array<uint8_t, 4> bytes;
    arch::read_register(file, arch::registers[34], bytes);
    return static_cast<uint16_t>(bytes[0] | bytes[1] << 8);
}

TEST(Registers, HaveTheNumbersThatGdbserverGivesThem) {
    EXPECT_EQ(arch::registers[7].name, "rsp");
    EXPECT_EQ(arch::registers[16].name, "rip");
    EXPECT_EQ(arch::registers[24].name, "st0");
    EXPECT_EQ(arch::registers[40].name, "xmm0");
    EXPECT_EQ(arch::registers[56].name, "mxcsr");
    EXPECT_EQ(arch::registers[57].name, "orig_rax");
    EXPECT_EQ(arch::registers[58].name, "fs_base");
    EXPECT_EQ(arch::registers[75].name, "ymm15h");
}

TEST(Registers, AllOfThemAreReadTogether) {
    Bench bench;
    std::string all = bench.ask("g");
    EXPECT_EQ(all.size(), g_packet_digits(76));
    EXPECT_EQ(all.substr(0, 16), "0110000000000000");
    EXPECT_EQ(all.substr(g_packet_digits(16), 16), "0000010000000000"); // rip

    bench.target.has_avx = false;
    EXPECT_EQ(bench.ask("g").size(), g_packet_digits(60));
}

TEST(Registers, FitIntoTheSmallestBuffer) {
    Bench bench(Session::smallest_buffer);
    EXPECT_EQ(bench.ask("g").size(), g_packet_digits(76));
}

TEST(Registers, AllOfThemAreWrittenTogether) {
    Bench bench;
    std::string all = bench.ask("g");
    all.replace(0, 16, "8877665544332211");
    all.replace(16, 16, "xxxxxxxxxxxxxxxx");
    EXPECT_EQ(bench.ask("G" + all), "OK");
    EXPECT_EQ(bench.target.thread_by_id(1).registers.rax, 0x1122334455667788U);
    EXPECT_EQ(bench.ask("g").substr(0, 16), "8877665544332211");
}

TEST(Registers, WritingTheWrongAmountIsRefused) {
    Bench bench;
    std::string all = bench.ask("g");
    EXPECT_EQ(bench.ask("G" + all + "00"), "E16");
    EXPECT_EQ(bench.ask("G" + all.substr(0, all.size() - 1)), "E16");
    EXPECT_EQ(bench.ask("G0z" + all.substr(2)), "E16");
    EXPECT_EQ(bench.target.thread_by_id(1).registers.rax, 0x1001U);
}

TEST(Registers, SingleOnesAreReadAndWritten) {
    Bench bench;
    EXPECT_EQ(bench.ask("p11"), "02020000"); // eflags
    EXPECT_EQ(bench.ask("P10=0400010000000000"), "OK");
    EXPECT_EQ(bench.target.thread_by_id(1).registers.rip, 0x10004U);
    EXPECT_EQ(bench.ask("P28=000102030405060708090a0b0c0d0e0f"), "OK"); // xmm0
    EXPECT_EQ(bench.target.thread_by_id(1).registers.fxsave[160 + 15], 15);
    EXPECT_EQ(bench.ask("P4b=000102030405060708090a0b0c0d0e0f"), "OK"); // ymm15h
    EXPECT_EQ(bench.target.thread_by_id(1).registers.ymm_high[15][1], 1);
    EXPECT_EQ(bench.ask("p20"), "7f030000"); // fctrl
}

TEST(Registers, EachComesBackAsItWasWritten) {
    Bench bench;
    // All registers in use, so that no tag is "empty" by itself.
    for (size_t number = 0; number < arch::registers.size(); ++number) {
        if (arch::registers[number].form != arch::Form::Plain || arch::registers[number].stored_bytes < 4)
            continue;
        std::string value;
        for (size_t i = 0; i < arch::registers[number].bytes(); ++i)
            value += {"0123456789abcdef"[(number + i) % 16], "0123456789abcdef"[i]};
        char name[4];
        snprintf(name, sizeof(name), "%zx", number);
        EXPECT_EQ(bench.ask(std::string("P") + name + "=" + value), "OK") << arch::registers[number].name;
        EXPECT_EQ(bench.ask(std::string("p") + name), value) << arch::registers[number].name;
    }
}

TEST(Registers, NumbersThatDoNotExistAreRefused) {
    Bench bench;
    EXPECT_EQ(bench.ask("p4c"), "E16");
    EXPECT_EQ(bench.ask("pffffffffffffffff"), "E16");
    EXPECT_EQ(bench.ask("P4c=00"), "E16");
    EXPECT_EQ(bench.ask("P0=00"), "E16");
    EXPECT_EQ(bench.ask("P0=001122334455667z"), "E16");
    bench.target.has_avx = false;
    EXPECT_EQ(bench.ask("p3c"), "E16");
}

TEST(Registers, UnknownValuesAreSaidToBeUnavailable) {
    Bench bench;
    bench.target.thread_by_id(1).registers.set_unavailable(0);
    bench.target.thread_by_id(1).registers.set_unavailable(40);
    EXPECT_EQ(bench.ask("p0"), "xxxxxxxxxxxxxxxx");
    std::string all = bench.ask("g");
    EXPECT_EQ(all.substr(0, 17), "xxxxxxxxxxxxxxxx0");
    EXPECT_EQ(bench.ask("p28"), std::string(32, 'x'));
    // gdb writes back what it read.
    EXPECT_EQ(bench.ask("G" + all), "OK");
    EXPECT_EQ(bench.target.thread_by_id(1).registers.rax, 0x1001U);
}

TEST(Registers, X87TagsAreExpanded) {
    RegisterFile file{};
    EXPECT_EQ(read_ftag(file), 0xffff); // all empty

    // Three values pushed: top is 5, so physical 5 is st0.
    file.fxsave[3] = 5 << 3;
    file.fxsave[4] = 0b1110'0000;
    uint8_t* st0 = file.fxsave + 32;
    st0[7] = 0x80; // 1.0
    st0[8] = 0xff;
    st0[9] = 0x3f;
    uint8_t* st1 = st0 + 16; // zero
    std::fill_n(st1, 10, uint8_t{0});
    uint8_t* st2 = st1 + 16; // infinity
    st2[7] = 0x80;
    st2[8] = 0xff;
    st2[9] = 0x7f;
    EXPECT_EQ(read_ftag(file), 0b10'01'00'11'11'11'11'11);
}

TEST(Registers, X87TagsAreCompressed) {
    RegisterFile file{};
    const std::array<uint8_t, 4> tags{0xff, 0b10'01'00'11, 0, 0};
    arch::write_register(file, arch::registers[34], tags);
    EXPECT_EQ(file.fxsave[4], 0b1110'0000);
}

TEST(Registers, StaticThreadLocalsStandBelowTheThreadPointer) {
    EXPECT_EQ(arch::static_tls_address(0x1000, 0x18, 16, 4), 0x1000 - 0x20 + 4);
    EXPECT_EQ(arch::static_tls_address(0x1000, 0x18, 0, 4), 0x1000 - 0x18 + 4);
}

} // namespace
} // namespace gdbstub::test
