#pragma once
// SpinLock: mutual exclusion between CPUs for short sections that never block.
//
// Taking it masks interrupts on this CPU until it is released, so it may be taken in thread and in interrupt context.
// Never taken in an NMI or in the stopped world. Order between locks is documented at each lock's declaration.

#include "libos/base/Assert.h"

#include <arch/Interrupts.h>
#include <arch/Processor.h>

#include <atomic>

namespace sched {

class SpinLock {
public:
    constexpr SpinLock() = default;
    SpinLock(const SpinLock&) = delete;
    SpinLock& operator=(const SpinLock&) = delete;

    /// Not inline, like unlock(): code that is run once is cheaper shared, and boot is such code.
    [[gnu::noinline]] arch::InterruptState lock() {
        auto state = arch::disable_interrupts();
        // acquire: what the previous holder wrote before its release is seen by this one.
        while (m_held.exchange(true, std::memory_order_acquire)) {
            while (m_held.load(std::memory_order_relaxed))
                arch::relax();
        }
        return state;
    }

    [[gnu::noinline]] void unlock(arch::InterruptState state) {
        ASSERT(m_held.load(std::memory_order_relaxed));
        m_held.store(false, std::memory_order_release);
        arch::restore_interrupts(state);
    }

    /// For assertions and for the stopped world, which must know whether a structure is consistent.
    bool is_held() const { return m_held.load(std::memory_order_relaxed); }

private:
    std::atomic<bool> m_held{false};
};

/// Holds a SpinLock for a scope.
class [[nodiscard]] SpinLocker {
public:
    explicit SpinLocker(SpinLock& lock)
        : m_lock(lock)
        , m_state(lock.lock()) {}
    ~SpinLocker() { m_lock.unlock(m_state); }
    SpinLocker(const SpinLocker&) = delete;
    SpinLocker& operator=(const SpinLocker&) = delete;

private:
    SpinLock& m_lock;
    arch::InterruptState m_state;
};

} // namespace sched
