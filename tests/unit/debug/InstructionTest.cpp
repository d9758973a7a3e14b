// The decoder beside Capstone: over every loaded module's code, and over random bytes. Where both know an instruction
// they agree on its length, but for what `is_known_difference()` lists.
#include "libos/debug/arch/x86_64/Instruction.h"

#include <array>
#include <capstone/capstone.h>
#include <cstring>
#include <gtest/gtest.h>
#include <link.h>
#include <random>
#include <string>
#include <vector>

namespace {

using debug::x86_64::decode;
using debug::x86_64::Instruction;
using debug::x86_64::longest_instruction;
using debug::x86_64::OpcodeMap;

using Bytes = std::vector<uint8_t>;

class Capstone {
public:
    Capstone() {
        EXPECT_EQ(cs_open(CS_ARCH_X86, CS_MODE_64, &m_handle), CS_ERR_OK);
        m_instruction = cs_malloc(m_handle);
    }
    ~Capstone() {
        cs_free(m_instruction, 1);
        cs_close(&m_handle);
    }

    /// 0 if it is none.
    size_t length(std::span<const uint8_t> bytes) {
        const uint8_t* code = bytes.data();
        size_t size = bytes.size() < longest_instruction ? bytes.size() : longest_instruction;
        uint64_t address = 0;
        return cs_disasm_iter(m_handle, &code, &size, &address, m_instruction) ? m_instruction->size : 0;
    }
    std::string text() const { return std::string(m_instruction->mnemonic) + " " + m_instruction->op_str; }

private:
    csh m_handle = 0;
    cs_insn* m_instruction = nullptr;
};

std::string hex(std::span<const uint8_t> bytes) {
    std::string text;
    for (uint8_t byte : bytes.first(std::min<size_t>(bytes.size(), longest_instruction))) {
        char digits[4];
        std::snprintf(digits, sizeof(digits), "%02x ", byte);
        text += digits;
    }
    return text;
}

struct Counts {
    size_t instructions = 0;
    size_t unknown = 0;
    size_t different = 0;
    std::string first;
};

/// What Capstone 4 has wrong.
bool is_known_difference(const Instruction& ours, std::span<const uint8_t> bytes) {
    // ud1 and ud0 have a ModRM byte. Intel SDM vol. 2, "UD".
    if (ours.map == OpcodeMap::TwoByte && (ours.opcode == 0xb9 || ours.opcode == 0xff))
        return true;
    // Beside REX.W or a repeat prefix it takes 66 for what it is not, and 67 for 66.
    bool has_wide = (ours.rex & 8) != 0;
    if ((ours.has_operand_size && (has_wide || ours.has_repeat)) || (ours.has_address_size && has_wide))
        return true;
    // EVEX's rounding mode on registers is a byte too long, its 32-bit addresses lose a SIB byte. llvm-mc has them
    // right.
    bool is_evex = ours.map == OpcodeMap::Vector && bytes[ours.has_address_size ? 1 : 0] == 0x62;
    return is_evex && (ours.has_address_size || ours.mod() == 3);
}

void compare(Capstone& capstone, std::span<const uint8_t> bytes, size_t length, Counts& counts) {
    ++counts.instructions;
    auto ours = decode(bytes);
    if (!ours) {
        ++counts.unknown;
    } else if (ours->length != length && !is_known_difference(*ours, bytes)) {
        ++counts.different;
        if (counts.first.empty())
            counts.first = hex(bytes) + capstone.text() + ": " + std::to_string(ours->length);
    }
}

std::vector<std::span<const uint8_t>> loaded_code() {
    std::vector<std::span<const uint8_t>> found;
    dl_iterate_phdr(
        [](dl_phdr_info* module, size_t, void* result) {
            for (const auto& segment : std::span(module->dlpi_phdr, module->dlpi_phnum)) {
                if (segment.p_type == PT_LOAD && (segment.p_flags & PF_X) != 0)
                    static_cast<decltype(found)*>(result)->emplace_back(
                        reinterpret_cast<const uint8_t*>(module->dlpi_addr + segment.p_vaddr), segment.p_memsz);
            }
            return 0;
        },
        &found);
    return found;
}

} // namespace

TEST(Instruction, LengthsInLoadedCode) {
    Capstone capstone;
    Counts counts;
    for (auto code : loaded_code()) {
        while (!code.empty()) {
            size_t length = capstone.length(code);
            if (length != 0)
                compare(capstone, code, length, counts);
            code = code.subspan(length != 0 ? length : 1);
        }
    }
    EXPECT_GT(counts.instructions, 500'000u);
    EXPECT_EQ(counts.different, 0u) << counts.first;
    // Data between functions, read as instructions.
    EXPECT_LT(counts.unknown, counts.instructions / 10'000);
}

TEST(Instruction, LengthsOfRandomBytes) {
    Capstone capstone;
    Counts counts;
    std::mt19937_64 random(1);
    constexpr std::array<uint8_t, 12> beginnings{0x0f, 0x66, 0x48, 0xf2, 0xf3, 0x67,
                                                 0x62, 0xc4, 0xc5, 0x41, 0x4f, 0x2e};
    for (size_t i = 0; i < 600'000; ++i) {
        std::array<uint8_t, longest_instruction> bytes;
        for (auto& byte : bytes)
            byte = static_cast<uint8_t>(random());
        for (size_t at = 0; at < i % 4; ++at)
            bytes[at] = beginnings[random() % beginnings.size()];
        if (size_t length = capstone.length(bytes))
            compare(capstone, bytes, length, counts);
    }
    EXPECT_EQ(counts.different, 0u) << counts.first;
    // VEX behind 66, f2, f3 or REX, which Capstone lets pass; and what the decoder leaves out on purpose.
    EXPECT_LT(counts.unknown, counts.instructions / 100);
}

TEST(Instruction, PartsAreFound) {
    // cmpl $0x12345678, 0x10(%rip)
    auto compare = decode(Bytes{0x81, 0x3d, 0x10, 0, 0, 0, 0x78, 0x56, 0x34, 0x12});
    ASSERT_TRUE(compare);
    EXPECT_TRUE(compare->is_rip_relative());
    EXPECT_EQ(compare->displacement_offset, 2);
    EXPECT_EQ(compare->displacement, 0x10);
    EXPECT_EQ(compare->immediate, 0x12345678);
    // jmp *-8(%r12,%rax,4)
    auto jump = decode(Bytes{0x41, 0xff, 0x64, 0x84, 0xf8});
    ASSERT_TRUE(jump);
    EXPECT_EQ(jump->reg(), 4u);
    EXPECT_EQ(jump->sib, 0x84);
    EXPECT_EQ(jump->displacement, -8);
    EXPECT_FALSE(jump->is_rip_relative());
    // jne -2
    auto branch = decode(Bytes{0x75, 0xfe});
    ASSERT_TRUE(branch);
    EXPECT_EQ(branch->immediate, -2);
}

TEST(Instruction, WhatIsUnknownHasNoLength) {
    for (const Bytes& bytes : {Bytes{}, Bytes{0x0f}, Bytes{0x48}, Bytes{0x81, 0x3d, 0x10},    // cut off
                               Bytes{0x06}, Bytes{0x82, 0, 0}, Bytes{0xea, 0, 0, 0, 0, 0, 0}, // not in 64-bit mode
                               Bytes{0x66, 0xe8, 0, 0, 0, 0, 0},                              // Intel and AMD differ
                               Bytes{0x8f, 0xe8, 0x78, 0xa2, 0, 0},                           // XOP
                               Bytes{0x66, 0xc5, 0xf8, 0x77},                                 // VEX behind a prefix
                               Bytes(15, 0x66)})
        EXPECT_FALSE(decode(bytes)) << hex(bytes);
    auto nop = [](size_t prefixes) {
        Bytes bytes(prefixes, 0x66);
        for (uint8_t byte : {0x0f, 0x1f, 0x00})
            bytes.push_back(byte);
        return bytes;
    };
    EXPECT_EQ(decode(nop(12))->length, 15);
    EXPECT_FALSE(decode(nop(13)));
}
