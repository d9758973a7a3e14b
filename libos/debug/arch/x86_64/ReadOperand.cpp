// Intel SDM vol. 2: section 2.1.5 (ModRM and SIB), appendix A (opcodes).
#include "libos/debug/arch/ReadOperand.h"

#include "libos/debug/arch/x86_64/Operand.h"

namespace debug {

namespace {

using arch::TrapFrame;
using x86_64::Instruction;
using x86_64::OpcodeMap;

constexpr uint8_t prefix_fs = 0x64;

/// Names an address and touches nothing there.
bool only_names_it(const Instruction& instruction) {
    if (instruction.map == OpcodeMap::OneByte)
        return instruction.opcode == 0x8d; // lea
    return instruction.map == OpcodeMap::TwoByte &&
           (instruction.opcode == 0x0d || (instruction.opcode >= 0x18 && instruction.opcode <= 0x1f)); // prefetch, nop
}

size_t size_of_operand(const Instruction& instruction) {
    bool is_long = (instruction.rex & x86_64::rex_w) != 0;
    if (instruction.map == OpcodeMap::OneByte) {
        uint8_t opcode = instruction.opcode;
        if (opcode == 0xff && instruction.reg() >= 2) // calls, jumps, push
            return 8;
        if (opcode == 0x63)
            return 4; // movsxd
        if (opcode >= 0xd8 && opcode <= 0xdf)
            return 8; // x87
        if (opcode < 0x40 || opcode >= 0x80)
            return (opcode & 1) == 0 ? 1 : is_long ? 8 : instruction.has_operand_size ? 2 : 4;
        return is_long ? 8 : 4;
    }
    if (instruction.map == OpcodeMap::TwoByte) {
        switch (instruction.opcode) {
        case 0xb6:
        case 0xbe:
        case 0xb0:
        case 0xc0:
            return 1;
        case 0xb7:
        case 0xbf:
            return 2;
        case 0x10:
        case 0x11: // movss, movsd: with a prefix
            return instruction.has_repeat ? 8 : 16;
        default:
            break;
        }
        bool is_general = (instruction.opcode & 0xf0) == 0x40 || (instruction.opcode & 0xf0) == 0xa0 ||
                          (instruction.opcode & 0xf0) == 0xb0;
        if (is_general)
            return is_long ? 8 : instruction.has_operand_size ? 2 : 4;
        if ((instruction.opcode & 0xf0) == 0x90)
            return 1; // setcc
    }
    return 16;
}

} // namespace

std::optional<ReadOperand> read_operand(const TrapFrame& frame, std::span<const uint8_t> text,
                                        uint64_t thread_pointer) {
    auto instruction = x86_64::decode(text);
    if (!instruction)
        return std::nullopt;
    if (!instruction->has_modrm || instruction->mod() == 3) {
        if (instruction->map != OpcodeMap::OneByte)
            return std::nullopt;
        switch (instruction->opcode) {
        case 0xc3: // ret
        case 0xc2:
            return ReadOperand{frame.sp(), 8};
        case 0xc9: // leave
            return ReadOperand{frame.frame_pointer(), 8};
        default:
            return (instruction->opcode & 0xf8) == 0x58 ? std::optional(ReadOperand{frame.sp(), 8})
                                                        : std::nullopt; // pop
        }
    }
    // Of VEX and EVEX the registers' upper bits are not known; gs is the kernel's.
    if (instruction->map == OpcodeMap::Vector || instruction->has_address_size || only_names_it(*instruction) ||
        (instruction->segment != 0 && instruction->segment != prefix_fs))
        return std::nullopt;
    uint64_t address = x86_64::operand_address(frame, *instruction, frame.pc() + instruction->length);
    if (instruction->segment == prefix_fs)
        address += thread_pointer;
    return ReadOperand{address, size_of_operand(*instruction)};
}

} // namespace debug
