#pragma once
// Contract header, one per CPU architecture: masking of maskable interrupts on this CPU.

#include <cstdint>

namespace arch {

/// What restore_interrupts() needs to bring back the state before.
struct InterruptState {
    uint64_t flags;
};

inline bool interrupts_enabled() {
    uint64_t flags;
    asm volatile("pushfq; popq %0" : "=r"(flags)::"memory");
    return (flags & 0x200) != 0;
}

inline InterruptState disable_interrupts() {
    InterruptState state;
    asm volatile("pushfq; popq %0; cli" : "=r"(state.flags)::"memory");
    return state;
}

inline void restore_interrupts(InterruptState state) {
    if ((state.flags & 0x200) != 0)
        asm volatile("sti" ::: "memory");
}

} // namespace arch
