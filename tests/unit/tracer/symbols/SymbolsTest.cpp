#include "tracer/symbols/DwarfExpression.h"
#include "tracer/symbols/Symbolizer.h"
#include "tracer/symbols/Unwinder.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstring>

namespace tracer {
namespace {

TEST(Symbols, StackOfASignalHandlerReachesMain) {
    FILE* pipe = popen(STACK_FIXTURE, "r");
    ASSERT_NE(pipe, nullptr);
    UnwindRegisters registers;
    uint64_t stack_address = 0;
    ASSERT_EQ(fread(registers.value.data(), 8, 17, pipe), 17u);
    ASSERT_EQ(fread(&stack_address, 8, 1, pipe), 1u);
    std::vector<uint8_t> stack(1 << 20);
    stack.resize(fread(stack.data(), 1, stack.size(), pipe));
    EXPECT_EQ(pclose(pipe), 0);
    auto memory = [&](uint64_t address, std::span<uint8_t> to) {
        if (address < stack_address || address - stack_address + to.size() > stack.size())
            return false;
        memcpy(to.data(), stack.data() + (address - stack_address), to.size());
        return true;
    };

    auto cfi = CfiTable::open(STACK_FIXTURE);
    ASSERT_TRUE(cfi) << cfi.error().message;
    auto symbolizer = Symbolizer::open(STACK_FIXTURE);
    ASSERT_TRUE(symbolizer) << symbolizer.error().message;
    std::vector<std::string> functions;
    for (const auto& frame : unwind(registers, memory, *cfi))
        for (const auto& source : symbolizer->find(frame.lookup_pc()))
            functions.push_back(source.function + (source.is_inlined ? " (inlined)" : ""));
    functions.resize(std::min<size_t>(functions.size(), 7));
    EXPECT_EQ(functions, (std::vector<std::string>{"dump()", "on_fault(int)", "__restore_rt", "leaf(int volatile*)",
                                                   "inlined (inlined)", "middle(int volatile*)", "main"}));
}

TEST(Symbols, LineAndWrongBuildId) {
    auto symbolizer = Symbolizer::open(STACK_FIXTURE);
    ASSERT_TRUE(symbolizer);
    auto main = symbolizer->image().find_symbol("main");
    ASSERT_TRUE(main);
    const auto& frame = symbolizer->find(main->address).at(0);
    EXPECT_EQ(frame.function, "main");
    EXPECT_TRUE(to_string(frame).starts_with("main at StackFixture.cpp:")) << to_string(frame);
    EXPECT_EQ(symbolizer->find(0x10).at(0).function, "0x10");

    auto wrong = Symbolizer::open(STACK_FIXTURE, "0123");
    ASSERT_FALSE(wrong);
    EXPECT_NE(wrong.error().message.find("and 0123 is needed"), std::string::npos) << wrong.error().message;
}

TEST(Symbols, Expressions) {
    UnwindRegisters registers;
    registers.value[7] = 0x1000;
    MemoryReader memory = [](uint64_t address, std::span<uint8_t> to) {
        uint64_t value = address + 1;
        memcpy(to.data(), &value, to.size());
        return address == 0x1008;
    };
    // DW_OP_breg7 8; DW_OP_deref; DW_OP_lit1; DW_OP_plus
    EXPECT_EQ(evaluate(std::array<uint8_t, 5>{0x77, 8, 0x06, 0x31, 0x22}, registers, memory, {}), 0x100au);
    // DW_OP_plus_uconst 200 on the CFA
    EXPECT_EQ(evaluate(std::array<uint8_t, 3>{0x23, 0xc8, 0x01}, registers, memory, 100), 300u);
    EXPECT_EQ(evaluate(std::array<uint8_t, 2>{0x77, 0x80}, registers, memory, {}), std::nullopt); // LEB cut short
    EXPECT_EQ(evaluate(std::array<uint8_t, 1>{0x22}, registers, memory, 1), std::nullopt);        // too few operands
    EXPECT_EQ(evaluate(std::array<uint8_t, 3>{0x2f, 0xfd, 0xff}, registers, memory, 1), std::nullopt); // endless
    EXPECT_EQ(evaluate(std::array<uint8_t, 2>{0x30, 0x06}, registers, memory, {}), std::nullopt); // unreadable memory
}

} // namespace
} // namespace tracer
