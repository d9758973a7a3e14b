#pragma once
// TimerTable: the process' timers, those of setitimer and those of timer_create. Pure arithmetic on times that the
// caller gives; it neither reads a clock nor sends a signal. Guarded by the caller.

#include "libos/base/Result.h"

#include <cstddef>
#include <cstdint>

namespace signal {

/// What a timer runs by.
enum class TimerClock : uint8_t { Monotonic, ProcessCpu, ThreadCpu };

/// Nanoseconds; `value` 0 is a timer that does not run, `interval` 0 one that runs once.
struct TimerSetting {
    uint64_t value = 0;
    uint64_t interval = 0;
};

struct Timer {
    TimerClock clock = TimerClock::Monotonic;
    int clock_id = 0;    ///< Linux' name of it, which tells what an absolute time is on
    uint32_t thread = 0; ///< whose CPU time, where that is the clock; 0: its thread is gone
    int signal = 0;      ///< 0: none is sent
    uint32_t target = 0; ///< the thread that gets it; 0: the process
    uint64_t value = 0;  ///< si_value
    bool is_used = false;
    bool is_waiting = false;   ///< its signal is on its way and not yet delivered
    uint32_t waiting_over = 0; ///< expirations since, beyond the one that the signal stands for
    uint32_t overrun = 0;      ///< the same of the last signal that was delivered: timer_getoverrun()
    uint64_t deadline = 0;     ///< on its clock; 0: does not run
    uint64_t interval = 0;
};

class TimerTable {
public:
    /// The first ones are setitimer's: ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF.
    static constexpr uint32_t interval_timers = 3;
    static constexpr uint32_t capacity = 67;
    static constexpr uint64_t never = UINT64_MAX;

    constexpr TimerTable() = default;

    /// Error::Again when there are `capacity` already.
    base::Result<uint32_t> create(const Timer& timer);
    /// nullptr: there is no such timer.
    Timer* find(uint32_t id);
    void remove(uint32_t id);

    /// Starts, or stops, as `setting` says; `now` is the timer's clock, `absolute` that `value` is a time on it.
    /// Returns what was left.
    TimerSetting set(Timer& timer, const TimerSetting& setting, uint64_t now, bool absolute);
    static TimerSetting left(const Timer& timer, uint64_t now);

    /// If the timer is due: how often it expired, and it is set for its next time. 0: not yet.
    static uint64_t expire(Timer& timer, uint64_t now);

    /// The earliest deadline of TimerClock::Monotonic, `never` without one.
    uint64_t next_deadline() const;
    /// A timer runs by CPU time, so that each tick has to look.
    bool runs_by_cpu_time() const;
    /// One past the highest id that was ever used.
    uint32_t end() const { return m_end; }

private:
    Timer m_timers[capacity] = {};
    uint32_t m_end = interval_timers;
};

} // namespace signal
