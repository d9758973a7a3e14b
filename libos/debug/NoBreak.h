#pragma once
// Code in which no breakpoint may stand: the ways into the kernel before a frame is complete, and the debugger itself
// (libos/debug, gdbstub). What it calls of the rest of the kernel may have breakpoints: one that it runs into is lifted
// until the world goes on (TextPatcher::lift_breakpoint()). Any context.

#include <cstdint>

namespace debug {

bool is_no_break(uint64_t address);

} // namespace debug
