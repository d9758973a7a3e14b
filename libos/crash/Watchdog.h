#pragma once
// Watchdog: each CPU's ticks are watched by its neighbour; one that takes no timer interrupt any more is reported.

#include <cstdint>

namespace crash {

/// Boot: how long a CPU may be silent. 0 switches it off.
void set_watchdog_limit(uint64_t nanoseconds);
/// From each timer interrupt. Does not return when the watched CPU hangs.
void watch_neighbour();

} // namespace crash
