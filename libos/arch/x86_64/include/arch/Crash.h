#pragma once
// What a crash report needs of the CPU. Contract header; interrupts off, nothing else runs.

#include "arch/TrapFrame.h"
#include "probes/wire/Core.h"

#include <cstdint>

namespace arch {

/// Calls function(argument) on another stack; it never returns.
[[noreturn]] void leave_on_stack(uint64_t stack_top, void (*function)(void*), void* argument);

/// The CPU stops in a way that the host sees as a crash of the machine.
[[noreturn]] void shut_down_cpu();
[[noreturn]] void halt_forever();

/// The registers of a core note.
wire::CoreRegisters core_registers(const TrapFrame& frame, uint64_t fs_base);
/// Of a thread off its CPU: what switch_stacks() saved; unknown ones are 0.
wire::CoreRegisters core_registers_of_switch(uint64_t stack_pointer, uint64_t fs_base);

/// For the crash root: where the two kinds of frames have which register.
extern const wire::CrashFrameLayout switch_frame_layout;
extern const wire::CrashFrameLayout trap_frame_layout;

/// The caller's own registers, as a frame.
void capture_frame(TrapFrame& frame);

/// Prints the registers, four to a line.
template <typename Text>
void print_registers(const TrapFrame& f, Text& text) {
    const struct {
        const char* name;
        uint64_t value;
    } registers[] = {{"rip", f.rip}, {"rsp", f.rsp}, {"rbp", f.rbp}, {"flg", f.rflags}, {"rax", f.rax}, {"rbx", f.rbx},
                     {"rcx", f.rcx}, {"rdx", f.rdx}, {"rsi", f.rsi}, {"rdi", f.rdi},    {"r8 ", f.r8},  {"r9 ", f.r9},
                     {"r10", f.r10}, {"r11", f.r11}, {"r12", f.r12}, {"r13", f.r13},    {"r14", f.r14}, {"r15", f.r15}};
    unsigned column = 0;
    for (const auto& r : registers) {
        text.put(column == 0 ? "  " : " ").put(r.name).put('=').hex(r.value, 16);
        if (++column == 4) {
            text.put('\n');
            column = 0;
        }
    }
    if (column != 0)
        text.put('\n');
}

} // namespace arch
