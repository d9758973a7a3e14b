#pragma once
// Where the operand of an instruction lies in memory, segments left aside. Intel SDM vol. 2, tables 2-2 and 2-3.

#include "libos/debug/arch/x86_64/Instruction.h"

#include <arch/TrapFrame.h>

namespace debug::x86_64 {

inline constexpr uint8_t rex_w = 8, rex_x = 2, rex_b = 1;

/// Register numbers of ModRM, SIB and REX.
inline constexpr uint64_t arch::TrapFrame::* registers[16] = {
    &arch::TrapFrame::rax, &arch::TrapFrame::rcx, &arch::TrapFrame::rdx, &arch::TrapFrame::rbx,
    &arch::TrapFrame::rsp, &arch::TrapFrame::rbp, &arch::TrapFrame::rsi, &arch::TrapFrame::rdi,
    &arch::TrapFrame::r8,  &arch::TrapFrame::r9,  &arch::TrapFrame::r10, &arch::TrapFrame::r11,
    &arch::TrapFrame::r12, &arch::TrapFrame::r13, &arch::TrapFrame::r14, &arch::TrapFrame::r15};

inline uint64_t value_of(const arch::TrapFrame& frame, const Instruction& instruction, unsigned number,
                         uint8_t rex_bit) {
    return frame.*registers[number + ((instruction.rex & rex_bit) != 0 ? 8 : 0)];
}

/// Of one that has such an operand. `behind`: the address of the next instruction.
inline uint64_t operand_address(const arch::TrapFrame& frame, const Instruction& instruction, uint64_t behind) {
    auto address = static_cast<uint64_t>(int64_t{instruction.displacement});
    if (instruction.is_rip_relative())
        return address + behind;
    if (!instruction.has_sib())
        return address + value_of(frame, instruction, instruction.rm(), rex_b);
    unsigned base = instruction.sib & 7, index = instruction.sib >> 3 & 7;
    if (base != 5 || instruction.mod() != 0)
        address += value_of(frame, instruction, base, rex_b);
    if (index != 4 || (instruction.rex & rex_x) != 0)
        address += value_of(frame, instruction, index, rex_x) << (instruction.sib >> 6);
    return address;
}

} // namespace debug::x86_64
