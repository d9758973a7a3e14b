#pragma once
// SleepLock: mutual exclusion for sections that may be long, touch app memory or wait. Thread context only, no SpinLock
// held. Uncontended it costs two short spin sections. Not recursive.

#include "libos/sched/SpinLock.h"
#include "libos/sched/WaitQueue.h"

namespace fs {

class SleepLock {
public:
    constexpr SleepLock() = default;

    void lock() {
        auto state = m_lock.lock();
        // A signal does not end the wait: holders of a SleepLock always get on.
        while (m_held) [[maybe_unused]]
            auto ended = m_waiters.wait(m_lock, state);
        m_held = true;
        m_lock.unlock(state);
    }

    void unlock() {
        sched::SpinLocker locker(m_lock);
        ASSERT(m_held);
        m_held = false;
        m_waiters.wake_one();
    }

    /// For the stopped world.
    bool is_held() const { return m_held; }

private:
    sched::SpinLock m_lock;
    bool m_held = false;
    sched::WaitQueue m_waiters;
};

class [[nodiscard]] SleepLocker {
public:
    explicit SleepLocker(SleepLock& lock)
        : m_lock(lock) {
        m_lock.lock();
    }
    ~SleepLocker() { m_lock.unlock(); }
    SleepLocker(const SleepLocker&) = delete;
    SleepLocker& operator=(const SleepLocker&) = delete;

private:
    SleepLock& m_lock;
};

} // namespace fs
