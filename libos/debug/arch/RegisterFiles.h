#pragma once
// Between the kernel's records of a thread's registers and gdb's. Contract header; stopped world.

#include "gdbstub/arch/RegisterFile.h"

#include <arch/TrapFrame.h>
#include <cstdint>

namespace debug::arch_registers {

/// `vector_state` is the thread's FPU save area, or nullptr. In the app view segment registers read as Linux has them.
void from_frame(const arch::TrapFrame& frame, uint64_t fs_base, const void* vector_state, bool app_view,
                gdbstub::RegisterFile& out);
void to_frame(const gdbstub::RegisterFile& in, arch::TrapFrame& frame, uint64_t& fs_base, void* vector_state);

/// Of a thread that was switched out in the kernel: what switch_stacks() left on its stack; the rest is unavailable.
void from_saved_stack(uint64_t stack_pointer, gdbstub::RegisterFile& out);

bool has_avx();

} // namespace debug::arch_registers
