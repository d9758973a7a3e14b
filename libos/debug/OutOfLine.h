#pragma once
// Passing a breakpoint out of line: a thread executes the instruction under it while it stays in place for all others.
//
// Each CPU has a slot: a page of its own, executable where it is mapped and written through the direct map. Its CPU
// alone writes and executes it, and writes it with interrupts off before the iretq that leads into it, which
// serialises: so it executes what it wrote, and there is nothing to tell another CPU.
//
// A thread is in a slot from that iretq to its CPU's next trap, whichever comes. There leave_slot(), before all else,
// puts the frame's pc where it would be without: on the instruction, or behind it. So nobody sees the slot, neither gdb
// nor a core, a signal frame, a sample; a page fault may block there, the thread may go on on another CPU, and slots
// never run out. When the trap has been dealt with and the pc is still the instruction's, return_to_slot() begins
// again.
//
// While a slot is being filled, or left, NMIs of this CPU wait for the frame to be whole (CpuLocal::in_slot).

#include "libos/base/Result.h"

#include <arch/Exceptions.h>

namespace debug {

/// Boot, when the number of CPUs is final. Without slots breakpoints cannot be passed.
base::Result<> initialize_slots();
/// Whether that succeeded.
bool has_slots();

/// Stopped world: whether pass_breakpoint() can do something with the instruction there, whatever stands on it.
bool can_pass(uint64_t address);

enum class Passed : uint8_t {
    No,     ///< the instruction can only be executed where it is
    InSlot, ///< the caller's trap is to end by return_to_slot() with the pc that the frame has now
    Done,   ///< the frame's pc is behind the instruction
};
/// From #BP, with the pc back on the breakpoint's address, or from #DB at one in the debug registers. The world may run
/// or be stopped.
Passed pass_breakpoint(arch::TrapFrame& frame);

} // namespace debug
