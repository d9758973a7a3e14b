#pragma once
// x86-64: what the rest of the host side asks of a thread's registers by their role.

#include "probes/wire/Core.h"
#include "tracer/symbols/Registers.h"

#include <array>
#include <string_view>

namespace tracer {

using RegisterValues = std::array<uint64_t, wire::core_register_count>;

/// By index into wire::CoreRegisters.
inline constexpr std::array<std::string_view, wire::core_register_count> register_names = {
    "r15", "r14",      "r13", "r12", "rbp",    "rbx", "r11", "r10",     "r9",      "r8", "rax", "rcx", "rdx", "rsi",
    "rdi", "orig_rax", "rip", "cs",  "eflags", "rsp", "ss",  "fs_base", "gs_base", "ds", "es",  "fs",  "gs"};

/// The general registers in the order in which gdb shows them, and the two bases.
inline constexpr std::array<std::string_view, 20> shown_registers = {
    "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp",    "r8",      "r9",
    "r10", "r11", "r12", "r13", "r14", "r15", "rip", "eflags", "fs_base", "gs_base"};

inline constexpr size_t stack_pointer_index = offsetof(wire::CoreRegisters, rsp) / sizeof(uint64_t);

inline uint64_t program_counter(const wire::CoreRegisters& registers) {
    return registers.rip;
}
/// What people look at, in gdb's order: indices into register_names and CoreRegisters.
inline constexpr std::array<size_t, 20> displayed_registers = {10, 5, 11, 12, 13, 14, 4,  19, 9,  8,
                                                               7,  6, 3,  2,  1,  0,  16, 18, 21, 22};
inline uint64_t stack_pointer(const wire::CoreRegisters& registers) {
    return registers.rsp;
}
/// Source of the bit: Intel SDM volume 1, §3.4.3.
inline bool interrupts_enabled(const wire::CoreRegisters& registers) {
    return (registers.eflags & 0x200) != 0;
}

/// By DWARF number: System V ABI for x86-64, §3.7.2.
inline UnwindRegisters to_unwind_registers(const wire::CoreRegisters& r) {
    return {{r.rax, r.rdx, r.rcx, r.rbx, r.rsi, r.rdi, r.rbp, r.rsp, r.r8, r.r9, r.r10, r.r11, r.r12, r.r13, r.r14,
             r.r15, r.rip}};
}

} // namespace tracer
