#pragma once
// Stacks of threads and switching between them. Contract header.

#include "arch/TrapFrame.h"

#include <cstdint>

namespace arch {

/// Lays out a new thread's kernel stack: the first switch to it calls begin(first, second) and then leaves through a
/// copy of `frame`; without a frame begin() must not return. Returns the stack pointer for switch_stacks().
uint64_t prepare_stack(uint64_t stack_top, const TrapFrame* frame, void (*begin)(uint64_t, uint64_t), uint64_t first,
                       uint64_t second);

/// Loads what the CPU must know about the thread it will run: kernel stack, thread pointer.
void load_thread_context(uint64_t stack_top, uint64_t stack_bottom, uint64_t fs_base);

extern "C" void switch_stacks(uint64_t* save_stack_pointer, uint64_t load_stack_pointer);

/// Interrupts on, CPU asleep until one came, interrupts off.
inline void wait_for_interrupt() {
    asm volatile("sti; hlt; cli" ::: "memory");
}
/// Interrupts stay off: only an NMI ends it.
inline void halt() {
    asm volatile("hlt" ::: "memory");
}

void set_fs_base(uint64_t value);

} // namespace arch
