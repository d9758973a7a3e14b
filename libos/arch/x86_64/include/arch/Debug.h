#pragma once
// What a debugger needs of the CPU. Contract header; stopped world or trap context, interrupts off.

#include "arch/TrapFrame.h"

#include <cstddef>
#include <cstdint>

namespace arch {

inline constexpr uint8_t breakpoint_instruction = 0xcc;
inline constexpr size_t breakpoint_length = 1;

/// #BP reports the address behind the instruction.
inline uint64_t breakpoint_address(const TrapFrame& frame) {
    return frame.rip - breakpoint_length;
}

/// Executes a breakpoint instruction of the kernel's own.
inline void break_here() {
    asm volatile("int3" ::: "memory");
}

/// Leaves NMI context while staying where we are: the next NMI can end a halt. Only on a stack that no NMI entry uses.
void end_nmi_blocking();

enum class WatchKind : uint8_t { Execute, Write, ReadWrite };
inline constexpr unsigned watch_registers = 4;

struct WatchPoint {
    bool used = false;
    WatchKind kind = WatchKind::Execute;
    uint64_t address = 0;
    uint64_t length = 1; ///< 1, 2, 4 or 8, aligned to itself
};

/// Loads this CPU's registers from `points`; all off while the debugger works.
void load_watch_points(const WatchPoint (&points)[watch_registers]);
void disable_watch_points();

/// Why a debug exception came, read once and cleared.
struct DebugStatus {
    bool single_step = false;
    int watch_point = -1; ///< which register hit
};
DebugStatus take_debug_status();

} // namespace arch
