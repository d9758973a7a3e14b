#pragma once
// Times as system calls have them in the app's memory. Thread context.

#include "libos/memory/UserMemory.h"
#include "libos/sched/WaitQueue.h"

#include <cstdint>
#include <optional>

namespace syscalls {

inline constexpr uint64_t second_ns = 1'000'000'000;

/// struct timespec.
struct TimeSpec {
    int64_t seconds;
    int64_t nanoseconds;

    static TimeSpec from(uint64_t ns) {
        return {static_cast<int64_t>(ns / second_ns), static_cast<int64_t>(ns % second_ns)};
    }
    /// Error::Invalid for a negative time or a fraction that is none. What is beyond the range is its end, for ever.
    base::Result<uint64_t> to_ns() const {
        if (seconds < 0 || nanoseconds < 0 || nanoseconds >= static_cast<int64_t>(second_ns))
            return base::fail(base::Error::Invalid);
        if (static_cast<uint64_t>(seconds) > UINT64_MAX / second_ns - 1)
            return sched::no_deadline - 1;
        return static_cast<uint64_t>(seconds) * second_ns + static_cast<uint64_t>(nanoseconds);
    }
};

/// struct timeval.
struct TimeValue {
    int64_t seconds;
    int64_t microseconds;

    static TimeValue from(uint64_t ns) {
        return {static_cast<int64_t>(ns / second_ns), static_cast<int64_t>(ns % second_ns / 1000)};
    }
    base::Result<uint64_t> to_ns() const {
        if (microseconds < 0 || microseconds >= 1'000'000)
            return base::fail(base::Error::Invalid);
        return TimeSpec{seconds, microseconds * 1000}.to_ns();
    }
};

inline base::Result<uint64_t> read_timespec(uint64_t address) {
    return TRY(memory::read_user<TimeSpec>(address)).to_ns();
}

/// Clocks: include/uapi/linux/time.h.
enum ClockId : int {
    Realtime = 0,
    Monotonic = 1,
    ProcessCpuTime = 2,
    ThreadCpuTime = 3,
    MonotonicRaw = 4,
    RealtimeCoarse = 5,
    MonotonicCoarse = 6,
    BootTime = 7,
};

/// A clock of CPU time. `id` is a process' or a thread's, 0 the caller's.
struct CpuClock {
    bool of_thread;
    uint32_t id;
};
/// nullopt: another kind of clock. Negative numbers hold an id: include/linux/posix-timers_types.h.
inline std::optional<CpuClock> cpu_clock(int clock) {
    constexpr int kind = 3, descriptor = 3, thread_bit = 4;
    if (clock == ProcessCpuTime || clock == ThreadCpuTime)
        return CpuClock{clock == ThreadCpuTime, 0};
    if (clock >= 0 || (clock & kind) == descriptor)
        return std::nullopt;
    return CpuClock{(clock & thread_bit) != 0, ~static_cast<uint32_t>(clock >> 3)};
}

} // namespace syscalls
