#include "libos/debug/arch/ReadOperand.h"

#include <gtest/gtest.h>
#include <vector>

namespace {

constexpr uint64_t thread_pointer = 0x700000;

std::optional<debug::ReadOperand> operand_of(std::vector<uint8_t> text) {
    arch::TrapFrame frame{};
    frame.rip = 0x401000;
    frame.rsp = 0x7000;
    frame.rbp = 0x8000;
    frame.rax = 0x10;
    frame.rcx = 0x1000;
    frame.r12 = 0x2000;
    frame.r13 = 0x3000;
    return debug::read_operand(frame, text, thread_pointer);
}

void expect_operand(std::vector<uint8_t> text, uint64_t address, size_t size) {
    auto operand = operand_of(std::move(text));
    ASSERT_TRUE(operand.has_value());
    EXPECT_EQ(operand->address, address);
    EXPECT_EQ(operand->size, size);
}

TEST(ReadOperandTest, AddressesOfAllForms) {
    expect_operand({0x8b, 0x05, 0x10, 0, 0, 0}, 0x401016, 4);                      // mov 0x10(%rip),%eax
    expect_operand({0x48, 0x8b, 0x45, 0xf8}, 0x7ff8, 8);                           // mov -8(%rbp),%rax
    expect_operand({0x8b, 0x04, 0x81}, 0x1040, 4);                                 // mov (%rcx,%rax,4),%eax
    expect_operand({0x8b, 0x04, 0x25, 0x00, 0x50, 0, 0}, 0x5000, 4);               // mov 0x5000,%eax
    expect_operand({0x41, 0x8b, 0x04, 0x24}, 0x2000, 4);                           // mov (%r12),%eax
    expect_operand({0x42, 0x8b, 0x04, 0x21}, 0x3000, 4);                           // mov (%rcx,%r12,1),%eax
    expect_operand({0x41, 0x8b, 0x45, 0x00}, 0x3000, 4);                           // mov 0(%r13),%eax
    expect_operand({0x64, 0x8b, 0x04, 0x25, 0xfc, 0xff, 0xff, 0xff}, 0x6ffffc, 4); // mov %fs:-4,%eax
}

TEST(ReadOperandTest, Sizes) {
    expect_operand({0x8a, 0x01}, 0x1000, 1);                   // mov (%rcx),%al
    expect_operand({0x66, 0x8b, 0x01}, 0x1000, 2);             // mov (%rcx),%ax
    expect_operand({0x0f, 0xb6, 0x01}, 0x1000, 1);             // movzbl (%rcx),%eax
    expect_operand({0x0f, 0xb7, 0x01}, 0x1000, 2);             // movzwl (%rcx),%eax
    expect_operand({0x48, 0x63, 0x01}, 0x1000, 4);             // movslq (%rcx),%rax
    expect_operand({0x83, 0x39, 0x05}, 0x1000, 4);             // cmpl $5,(%rcx)
    expect_operand({0xff, 0x11}, 0x1000, 8);                   // call *(%rcx)
    expect_operand({0xf2, 0x0f, 0x10, 0x01}, 0x1000, 8);       // movsd (%rcx),%xmm0
    expect_operand({0x0f, 0x28, 0x01}, 0x1000, 16);            // movaps (%rcx),%xmm0
    expect_operand({0xf0, 0x48, 0x0f, 0xb1, 0x11}, 0x1000, 8); // lock cmpxchg %rdx,(%rcx)
}

TEST(ReadOperandTest, TheStack) {
    expect_operand({0x58}, 0x7000, 8); // pop %rax
    expect_operand({0xc3}, 0x7000, 8); // ret
    expect_operand({0xc9}, 0x8000, 8); // leave
}

TEST(ReadOperandTest, NoneOrNotKnown) {
    EXPECT_FALSE(operand_of({0x48, 0x8d, 0x01}));       // lea (%rcx),%rax
    EXPECT_FALSE(operand_of({0x0f, 0x1f, 0x00}));       // nopl (%rax)
    EXPECT_FALSE(operand_of({0x0f, 0x18, 0x09}));       // prefetcht0 (%rcx)
    EXPECT_FALSE(operand_of({0x89, 0xc8}));             // mov %ecx,%eax
    EXPECT_FALSE(operand_of({0x90}));                   // nop
    EXPECT_FALSE(operand_of({0x65, 0x8b, 0x01}));       // mov %gs:(%rcx),%eax
    EXPECT_FALSE(operand_of({0xc5, 0xf8, 0x28, 0x01})); // vmovaps (%rcx),%xmm0
    EXPECT_FALSE(operand_of({0x8b}));                   // cut off
    EXPECT_FALSE(operand_of({}));
}

} // namespace
