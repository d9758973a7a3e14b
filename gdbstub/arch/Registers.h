#pragma once
// Contract, continued from RegisterFile.h: each CPU's Registers.h declares, in namespace gdbstub::arch,
//
//   architecture, os_abi            the names that gdb knows them by
//   registers                       array of Register; the index is gdb's register number
//   features                        array of Feature, in the order of their registers
//   expedited_registers             numbers of the registers that every stop reply carries
//   pc(file), set_pc(file, value)   the program counter
//   read_register, write_register   one register's bytes, least significant first

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "gdbstub/arch/RegisterFile.h"

namespace gdbstub::arch {

/// How a register's bytes in the register file become the value that gdb expects.
enum class Form : uint8_t {
    /// As they are, zero-extended.
    Plain,
    /// x87 tag word: kept as a bit for each register, shown as two.
    X87Tags,
    /// x87 last opcode: 11 bits.
    X87Opcode,
};

struct Register {
    std::string_view name;
    /// Size of the value that gdb sees; a multiple of 8.
    uint16_t bits;
    std::string_view type;
    /// gdb's register group; empty for general registers.
    std::string_view group;
    /// Where it is in the RegisterFile, and how many bytes of it are kept there.
    uint16_t offset;
    uint16_t stored_bytes;
    Form form = Form::Plain;

    constexpr size_t bytes() const { return bits / 8; }
};

/// A group of registers under the name that gdb looks for.
/// Source: GDB manual, "Standard Target Features".
struct Feature {
    std::string_view name;
    /// Type definitions in the target description's own notation.
    std::string_view types;
    uint16_t first;
    uint16_t count;
    std::optional<OptionalRegisters> optional{};
};

} // namespace gdbstub::arch

#if defined(__x86_64__)
#include "gdbstub/arch/x86_64/Registers.h"
#endif
