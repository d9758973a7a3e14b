#pragma once
// Machine code as text, by Capstone.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace crash {

struct Instruction {
    uint64_t address = 0;
    uint32_t size = 0;
    std::string text; ///< AT&T syntax, as gdb shows it; "(bad)" for a byte that is none
};

/// All instructions in `code`, which lies at `address` and begins with one.
std::vector<Instruction> disassemble(std::span<const uint8_t> code, uint64_t address);

} // namespace crash
