#pragma once
// Clocks. The TSC is the only hardware clock read after boot. Any context.

#include "libos/sched/WaitQueue.h"

#include <cstdint>

namespace sched {

/// Boot only: the calibrated frequency, and the wall-clock time now.
void initialize_clock(uint64_t tsc_hz, uint64_t realtime_ns);

uint64_t tsc_hz();
/// Nanoseconds since boot. Stands still between a reported stop of the debugger and its resume.
uint64_t monotonic_ns();
/// Nanoseconds since 1970.
uint64_t realtime_ns();
/// Time since boot that includes stops (CLOCK_BOOTTIME).
uint64_t boottime_ns();
/// Of a TSC reading, on the scale of boottime_ns().
uint64_t nanoseconds_of(uint64_t tsc);

/// Of a number of TSC ticks.
uint64_t duration_ns(uint64_t ticks);

/// The debugger's: CLOCK_MONOTONIC loses the time between the two. Stopped world only.
void clock_stopped();
void clock_resumed();

/// `ns` of CLOCK_REALTIME as a Deadline.
Deadline deadline_from_realtime(uint64_t ns);
Deadline deadline_after(uint64_t ns);

} // namespace sched
