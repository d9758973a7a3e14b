#pragma once
// Code in which no breakpoint may stand: the ways into the kernel before a frame is complete, and what the debugger
// itself runs through. Any context.

#include <cstdint>

namespace debug {

bool is_no_break(uint64_t address);

} // namespace debug
