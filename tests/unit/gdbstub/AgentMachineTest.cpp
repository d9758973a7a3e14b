// Each instruction, and each way in which an expression can fail.

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "tests/unit/gdbstub/AgentBench.h"

namespace gdbstub::test {
namespace {

using agent::Error;
using agent::Opcode;

constexpr uint64_t least = uint64_t{1} << 63;

uint64_t of(int64_t value) {
    return static_cast<uint64_t>(value);
}

struct Binary {
    Opcode opcode;
    uint64_t a, b, result;
};
constexpr uint64_t minus(uint64_t value) {
    return -value;
}
constexpr Binary binaries[] = {
    {Opcode::Add, 2, 3, 5},
    {Opcode::Add, minus(1), 2, 1},
    {Opcode::Sub, 2, 3, minus(1)},
    {Opcode::Mul, minus(4), 3, minus(12)},
    {Opcode::DivSigned, minus(7), 2, minus(3)},
    {Opcode::DivSigned, least, minus(1), least},
    {Opcode::DivUnsigned, minus(7), 2, 0x7ffffffffffffffc},
    {Opcode::RemSigned, minus(7), 2, minus(1)},
    {Opcode::RemSigned, least, minus(1), 0},
    {Opcode::RemUnsigned, minus(7), 2, 1},
    {Opcode::Lsh, 3, 4, 48},
    {Opcode::Lsh, 1, 63, least},
    {Opcode::Lsh, 1, 64, 0},
    {Opcode::Lsh, 1, minus(1), 0},
    {Opcode::RshSigned, minus(8), 1, minus(4)},
    {Opcode::RshSigned, minus(8), 64, minus(1)},
    {Opcode::RshSigned, 8, 64, 0},
    {Opcode::RshUnsigned, minus(8), 1, 0x7ffffffffffffffc},
    {Opcode::RshUnsigned, minus(8), 64, 0},
    {Opcode::BitAnd, 0b1100, 0b1010, 0b1000},
    {Opcode::BitOr, 0b1100, 0b1010, 0b1110},
    {Opcode::BitXor, 0b1100, 0b1010, 0b0110},
    {Opcode::Equal, 5, 5, 1},
    {Opcode::Equal, 5, 6, 0},
    {Opcode::LessSigned, minus(1), 0, 1},
    {Opcode::LessSigned, 0, minus(1), 0},
    {Opcode::LessUnsigned, minus(1), 0, 0},
    {Opcode::LessUnsigned, 0, minus(1), 1},
};

TEST(AgentMachine, CombinesTwoNumbers) {
    AgentBench bench;
    for (const Binary& it : binaries) {
        Code all = constant(it.a) + constant(it.b) + code(it.opcode, Opcode::End);
        EXPECT_EQ(bench.value_of(all), it.result) << int(it.opcode) << " of " << it.a << " and " << it.b;
    }
}

TEST(AgentMachine, TakesTwoNumbersWhereTwoAreNeeded) {
    AgentBench bench;
    for (const Binary& it : binaries)
        EXPECT_EQ(bench.error_of(constant(1) + code(it.opcode, Opcode::End)), Error::StackUnderflow) << int(it.opcode);
}

TEST(AgentMachine, DoesNotDivideByZero) {
    AgentBench bench;
    for (Opcode opcode : {Opcode::DivSigned, Opcode::DivUnsigned, Opcode::RemSigned, Opcode::RemUnsigned})
        EXPECT_EQ(bench.error_of(constant(1) + constant(0) + code(opcode, Opcode::End)), Error::DivisionByZero);
}

TEST(AgentMachine, ChangesOneNumber) {
    AgentBench bench;
    EXPECT_EQ(bench.value_of(constant(0) + code(Opcode::LogNot, Opcode::End)), 1U);
    EXPECT_EQ(bench.value_of(constant(7) + code(Opcode::LogNot, Opcode::End)), 0U);
    EXPECT_EQ(bench.value_of(constant(1) + code(Opcode::BitNot, Opcode::End)), of(-2));
    EXPECT_EQ(bench.value_of(constant(0x1ff) + code(Opcode::Ext, 8, Opcode::End)), of(-1));
    EXPECT_EQ(bench.value_of(constant(0x17f) + code(Opcode::Ext, 8, Opcode::End)), 0x7fU);
    EXPECT_EQ(bench.value_of(constant(0x80000000) + code(Opcode::Ext, 32, Opcode::End)), 0xffffffff80000000);
    EXPECT_EQ(bench.value_of(constant(1) + code(Opcode::Ext, 1, Opcode::End)), of(-1));
    for (int bits : {64, 65, 255}) {
        EXPECT_EQ(bench.value_of(constant(least) + code(Opcode::Ext, bits, Opcode::End)), least);
        EXPECT_EQ(bench.value_of(constant(least) + code(Opcode::ZeroExt, bits, Opcode::End)), least);
    }
    EXPECT_EQ(bench.value_of(constant(0x1ff) + code(Opcode::ZeroExt, 8, Opcode::End)), 0xffU);
    EXPECT_EQ(bench.value_of(constant(0x1ff) + code(Opcode::ZeroExt, 0, Opcode::End)), 0U);
    EXPECT_EQ(bench.error_of(constant(1) + code(Opcode::Ext, 0, Opcode::End)), Error::BadOperand);
    for (Opcode opcode : {Opcode::LogNot, Opcode::BitNot})
        EXPECT_EQ(bench.error_of(code(opcode, Opcode::End)), Error::StackUnderflow);
}

TEST(AgentMachine, HasConstantsOfAllSizes) {
    AgentBench bench;
    EXPECT_EQ(bench.value_of(code(Opcode::Const8, 0xfe, Opcode::End)), 0xfeU);
    EXPECT_EQ(bench.value_of(code(Opcode::Const16, 0xfe, 1, Opcode::End)), 0xfe01U);
    EXPECT_EQ(bench.value_of(code(Opcode::Const32, 0xfe, 1, 2, 3, Opcode::End)), 0xfe010203U);
    EXPECT_EQ(bench.value_of(code(Opcode::Const64, 0xfe, 1, 2, 3, 4, 5, 6, 7, Opcode::End)), 0xfe01020304050607);
}

TEST(AgentMachine, ReadsRegisters) {
    AgentBench bench;
    bench.registers = {{0x102, 77}};
    EXPECT_EQ(bench.value_of(code(Opcode::Reg, 1, 2, Opcode::End)), 77U);
    EXPECT_EQ(bench.error_of(code(Opcode::Reg, 2, 1, Opcode::End)), Error::UnknownRegister);
}

TEST(AgentMachine, ReadsMemoryUpToItsEnd) {
    AgentBench bench;
    bench.load(0x1001, "\x88\x77\x66\x55\x44\x33\x22\x91");
    auto read = [&](uint64_t address, Opcode opcode) { return constant(address) + code(opcode, Opcode::End); };
    EXPECT_EQ(bench.value_of(read(0x1001, Opcode::Ref8)), 0x88U);
    EXPECT_EQ(bench.value_of(read(0x1001, Opcode::Ref16)), 0x7788U);
    EXPECT_EQ(bench.value_of(read(0x1001, Opcode::Ref32)), 0x55667788U);
    EXPECT_EQ(bench.value_of(read(0x1001, Opcode::Ref64)), 0x9122334455667788);
    EXPECT_EQ(bench.error_of(read(0x1000, Opcode::Ref8)), Error::UnreadableMemory);
    EXPECT_EQ(bench.error_of(read(0x1008, Opcode::Ref16)), Error::UnreadableMemory);
    EXPECT_EQ(bench.error_of(read(0x1006, Opcode::Ref32)), Error::UnreadableMemory);
    EXPECT_EQ(bench.error_of(read(std::numeric_limits<uint64_t>::max(), Opcode::Ref64)), Error::UnreadableMemory);
}

TEST(AgentMachine, Jumps) {
    AgentBench bench;
    // 0: const8 X; 2: if_goto 8; 5: const8 10; 7: end; 8: const8 20; 10: end
    auto choose = [](int condition) {
        return code(Opcode::Const8, condition, Opcode::IfGoto, 0, 8, Opcode::Const8, 10, Opcode::End, Opcode::Const8,
                    20, Opcode::End);
    };
    EXPECT_EQ(bench.value_of(choose(0)), 10U);
    EXPECT_EQ(bench.value_of(choose(3)), 20U);
    EXPECT_EQ(bench.value_of(code(Opcode::Goto, 0, 4, Opcode::End, Opcode::Const8, 1, Opcode::End)), 1U);
    Code far = code(Opcode::Goto, 1, 0);
    far.resize(0x100);
    EXPECT_EQ(bench.value_of(far + code(Opcode::Const8, 9, Opcode::End)), 9U);
}

TEST(AgentMachine, DoesNotJumpOutside) {
    AgentBench bench;
    EXPECT_EQ(bench.error_of(code(Opcode::Goto, 0, 3)), Error::JumpOutside);
    EXPECT_EQ(bench.error_of(code(Opcode::Goto, 0xff, 0xff)), Error::JumpOutside);
    EXPECT_EQ(bench.error_of(code(Opcode::Const8, 1, Opcode::IfGoto, 0, 5)), Error::JumpOutside);
    EXPECT_EQ(bench.error_of(code(Opcode::IfGoto, 0, 0)), Error::StackUnderflow);
}

TEST(AgentMachine, EndsALoop) {
    AgentBench bench;
    EXPECT_EQ(bench.error_of(code(Opcode::Goto, 0, 0)), Error::TooManyInstructions);
    Code five = code(Opcode::Const8, 1, Opcode::Const8, 2, Opcode::Add, Opcode::Dup, Opcode::End);
    EXPECT_EQ(agent::evaluate(five, bench, 4), agent::fail(Error::TooManyInstructions));
    EXPECT_EQ(agent::evaluate(five, bench, 5), 3U);
}

TEST(AgentMachine, RearrangesItsStack) {
    AgentBench bench;
    Code three = code(Opcode::Const8, 1, Opcode::Const8, 2, Opcode::Const8, 3);
    // The stack as a number of three digits, for which it must not be deeper.
    Code digits = code(Opcode::Swap, Opcode::Const8, 10, Opcode::Mul, Opcode::Add, Opcode::Swap, Opcode::Const8, 100,
                       Opcode::Mul, Opcode::Add, Opcode::End);
    EXPECT_EQ(bench.value_of(three + digits), 123U);
    EXPECT_EQ(bench.value_of(three + code(Opcode::Swap) + digits), 132U);
    EXPECT_EQ(bench.value_of(three + code(Opcode::Rot) + digits), 312U);
    EXPECT_EQ(bench.value_of(three + code(Opcode::Pop, Opcode::Dup) + digits), 122U);
    EXPECT_EQ(bench.value_of(three + code(Opcode::Pop, Opcode::Pick, 0) + digits), 122U);
    EXPECT_EQ(bench.value_of(three + code(Opcode::Pop, Opcode::Pick, 1) + digits), 121U);

    Code two = code(Opcode::Const8, 1, Opcode::Const8, 2);
    EXPECT_EQ(bench.error_of(two + code(Opcode::Rot, Opcode::End)), Error::StackUnderflow);
    EXPECT_EQ(bench.error_of(two + code(Opcode::Pick, 2, Opcode::End)), Error::StackUnderflow);
    EXPECT_EQ(bench.error_of(two + code(Opcode::Pick, 255, Opcode::End)), Error::StackUnderflow);
    EXPECT_EQ(bench.error_of(code(Opcode::Const8, 1, Opcode::Swap, Opcode::End)), Error::StackUnderflow);
    EXPECT_EQ(bench.error_of(code(Opcode::Dup, Opcode::End)), Error::StackUnderflow);
    EXPECT_EQ(bench.error_of(code(Opcode::Pop, Opcode::End)), Error::StackUnderflow);
}

TEST(AgentMachine, HasAStackOfAHundred) {
    AgentBench bench;
    Code deep;
    for (size_t i = 0; i < agent::stack_depth; ++i)
        deep = deep + code(Opcode::Const8, i);
    EXPECT_EQ(bench.value_of(deep + code(Opcode::End)), agent::stack_depth - 1);
    EXPECT_EQ(bench.value_of(deep + code(Opcode::Add, Opcode::Pick, agent::stack_depth - 2, Opcode::End)), 0U);
    EXPECT_EQ(bench.error_of(deep + code(Opcode::Dup, Opcode::End)), Error::StackOverflow);
    EXPECT_EQ(bench.error_of(deep + code(Opcode::Const8, 1, Opcode::End)), Error::StackOverflow);
}

TEST(AgentMachine, KnowsVariables) {
    AgentBench bench;
    bench.variable_values = {{0x101, 5}, {2, 0}};
    EXPECT_EQ(bench.value_of(code(Opcode::GetV, 1, 1, Opcode::Const8, 1, Opcode::Add, Opcode::SetV, 0, 2, Opcode::End)),
              6U);
    EXPECT_EQ(bench.variable_values[2], 6U);
    EXPECT_EQ(bench.error_of(code(Opcode::GetV, 0, 9, Opcode::End)), Error::UnknownVariable);
    EXPECT_EQ(bench.error_of(constant(1) + code(Opcode::SetV, 0, 9, Opcode::End)), Error::UnknownVariable);
    EXPECT_EQ(bench.error_of(code(Opcode::SetV, 0, 2, Opcode::End)), Error::StackUnderflow);
    bench.offers_parts = false;
    EXPECT_EQ(bench.error_of(code(Opcode::GetV, 0, 2, Opcode::End)), Error::NoVariables);
    EXPECT_EQ(bench.error_of(constant(1) + code(Opcode::SetV, 0, 2, Opcode::End)), Error::NoVariables);
}

TEST(AgentMachine, Collects) {
    AgentBench bench;
    bench.load(0x1000, std::string_view("four\0behind", 11));
    Code address = code(Opcode::Const16, 0x10, 0);
    // Those with the length in the code leave the address on the stack.
    EXPECT_EQ(bench.value_of(address + code(Opcode::TraceQuick, 4, Opcode::Trace16, 1, 2, Opcode::End)), 0x1000U);
    EXPECT_EQ(bench.error_of(address + constant(16) + code(Opcode::Trace, Opcode::End)), Error::NoValue);
    EXPECT_EQ(bench.error_of(address + constant(100) + code(Opcode::TraceNz, Opcode::End)), Error::NoValue);
    EXPECT_EQ(bench.error_of(address + constant(3) + code(Opcode::TraceNz, Opcode::End)), Error::NoValue);
    using Pieces = std::vector<std::pair<uint64_t, uint64_t>>;
    EXPECT_EQ(bench.collected, (Pieces{{0x1000, 4}, {0x1000, 0x102}, {0x1000, 16}, {0x1000, 5}, {0x1000, 3}}));
    EXPECT_EQ(bench.error_of(code(Opcode::TraceV, 1, 2, Opcode::End)), Error::NoValue);
    EXPECT_EQ(bench.collected_variables, std::vector<uint16_t>{0x102});
}

TEST(AgentMachine, DoesNotCollectWhatItCannot) {
    AgentBench bench;
    bench.load(0x1000, "no end");
    Code address = code(Opcode::Const16, 0x10, 0);
    EXPECT_EQ(bench.error_of(address + constant(100) + code(Opcode::TraceNz, Opcode::End)), Error::UnreadableMemory);
    EXPECT_EQ(bench.error_of(address + code(Opcode::Trace, Opcode::End)), Error::StackUnderflow);
    EXPECT_EQ(bench.error_of(code(Opcode::TraceQuick, 1, Opcode::End)), Error::StackUnderflow);
    EXPECT_EQ(bench.error_of(address + constant(uint64_t{1} << 40) + code(Opcode::Trace, Opcode::End)),
              Error::TooManyInstructions);
    bench.is_full = true;
    EXPECT_EQ(bench.error_of(address + code(Opcode::TraceQuick, 1, Opcode::End)), Error::CollectionFull);
    bench.offers_parts = false;
    for (const Code& each : {code(Opcode::Trace), code(Opcode::TraceNz), code(Opcode::TraceQuick, 1),
                             code(Opcode::Trace16, 0, 1), code(Opcode::TraceV, 0, 1)})
        EXPECT_EQ(bench.error_of(address + constant(1) + each + code(Opcode::End)), Error::NoCollection);
}

TEST(AgentMachine, RefusesWhatItDoesNotKnow) {
    AgentBench bench;
    for (Opcode opcode :
         {Opcode::Float, Opcode::RefFloat, Opcode::RefDouble, Opcode::RefLongDouble, Opcode::LToD, Opcode::DToL})
        EXPECT_EQ(bench.error_of(constant(0) + code(opcode, Opcode::End)), Error::FloatingPoint);
    EXPECT_EQ(bench.error_of(code(Opcode::Invalid2, Opcode::End)), Error::InvalidOpcode);
    EXPECT_EQ(bench.error_of(code(0, Opcode::End)), Error::UnknownOpcode);
    for (int opcode = static_cast<int>(Opcode::Printf) + 1; opcode < 256; ++opcode)
        EXPECT_EQ(bench.error_of(code(opcode, Opcode::End)), Error::UnknownOpcode) << opcode;
}

TEST(AgentMachine, NoticesAnEndThatIsMissing) {
    AgentBench bench;
    EXPECT_EQ(bench.error_of({}), Error::NoCode);
    EXPECT_EQ(bench.error_of(code(Opcode::End)), Error::NoValue);
    EXPECT_TRUE(agent::run(code(Opcode::End), bench));
    Code one = code(Opcode::Const8, 1);
    for (const Code& each :
         {code(), code(Opcode::Const8), code(Opcode::Const16, 0), code(Opcode::Const32, 0, 0, 0),
          code(Opcode::Const64, 0, 0, 0, 0, 0, 0, 0), code(Opcode::Reg, 0), code(Opcode::Goto, 0),
          code(Opcode::IfGoto, 0), code(Opcode::Ext), code(Opcode::ZeroExt), code(Opcode::Pick), code(Opcode::GetV, 0),
          code(Opcode::SetV, 0), code(Opcode::TraceV, 0), code(Opcode::TraceQuick), code(Opcode::Trace16, 0),
          code(Opcode::Printf), code(Opcode::Printf, 0, 0), code(Opcode::Printf, 0, 0, 3, 'a', 'b')})
        EXPECT_EQ(bench.error_of(one + each), Error::Truncated) << each.size();
}

TEST(AgentMachine, HasASentenceForEachError) {
    std::vector<std::string_view> sentences;
    for (int i = 1; i <= static_cast<int>(Error::StringTooLong); ++i) {
        sentences.push_back(agent::describe(static_cast<Error>(i)));
        EXPECT_TRUE(sentences.back().ends_with('.')) << i;
    }
    std::sort(sentences.begin(), sentences.end());
    EXPECT_EQ(std::adjacent_find(sentences.begin(), sentences.end()), sentences.end());
}

} // namespace
} // namespace gdbstub::test
