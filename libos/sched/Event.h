#pragma once
// Event: something that happens again and again, and threads that wait for the next time. Counted, so that a waiter
// misses none that came between its look and its wait.

#include "libos/sched/SpinLock.h"
#include "libos/sched/WaitQueue.h"

#include <atomic>
#include <cstdint>

namespace sched {

class Event {
public:
    /// Take it before looking at what the event is about. Any context.
    uint64_t count() const { return m_count.load(std::memory_order_acquire); }

    /// Any context but an NMI and the stopped world, without a NoStopLock.
    void signal() {
        {
            SpinLocker locker(m_lock);
            m_count.fetch_add(1, std::memory_order_release);
        }
        m_waiters.wake_all();
    }

    /// Thread context: until the count is another than `seen`. Error::TimedOut, Error::Interrupted.
    base::Result<> wait(uint64_t seen, Deadline deadline = no_deadline) {
        auto state = m_lock.lock();
        base::Result<> result;
        while (result && m_count.load(std::memory_order_relaxed) == seen)
            result = m_waiters.wait(m_lock, state, deadline);
        m_lock.unlock(state);
        return result;
    }

private:
    SpinLock m_lock; // outside the scheduler's
    WaitQueue m_waiters;
    std::atomic<uint64_t> m_count{0}; // changes under m_lock
};

} // namespace sched
