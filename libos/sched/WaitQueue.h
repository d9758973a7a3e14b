#pragma once
// WaitQueue: threads that sleep until somebody wakes them.
//
// wait() may only be called in thread context with no SpinLock held but the one it is given. wake_*() may be called
// from any context but an NMI. Costs nothing but a pointer while nobody waits.

#include "libos/base/Result.h"
#include "libos/sched/SpinLock.h"

#include <cstdint>

namespace sched {

class Thread;

/// Nanoseconds of CLOCK_MONOTONIC; `no_deadline` waits for ever.
using Deadline = uint64_t;
inline constexpr Deadline no_deadline = UINT64_MAX;

class WaitQueue {
public:
    constexpr WaitQueue() = default;
    WaitQueue(const WaitQueue&) = delete;
    WaitQueue& operator=(const WaitQueue&) = delete;

    /// Releases `lock`, sleeps until woken, takes `lock` again. Between the release and the sleep no wake-up is lost.
    /// Error::TimedOut past the deadline; Error::Interrupted when a signal is to be delivered. Wake-ups may be
    /// spurious: the caller checks its condition in a loop.
    base::Result<> wait(SpinLock& lock, arch::InterruptState& state, Deadline deadline = no_deadline);

    /// Both return how many threads they made runnable.
    unsigned wake_one();
    unsigned wake_all();

private:
    friend class Scheduler;
    Thread* m_first = nullptr; // guarded by the scheduler's lock, which is taken inside the caller's
    Thread* m_last = nullptr;
};

} // namespace sched
