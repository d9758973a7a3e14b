#pragma once
// CPU time that threads have used, in nanoseconds. Thread or interrupt context; takes the scheduler's lock unless told.

#include <cstdint>

namespace sched {

class Thread;

/// Scheduler's lock held, or the current thread.
uint64_t cpu_time_of(const Thread& thread);
/// Of the app: its threads, and those that have ended.
uint64_t app_cpu_time();

} // namespace sched
