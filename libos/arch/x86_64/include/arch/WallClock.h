#pragma once
// Time of day from the machine. Contract header.

#include <cstdint>

namespace arch {

/// Nanoseconds since 1970 by the battery-backed clock, to a second; 0 if there is none.
uint64_t wall_clock_ns();

} // namespace arch
