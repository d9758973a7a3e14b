#pragma once
// SpinLock: mutual exclusion between CPUs for short sections that never block.
//
// Taking it masks interrupts on this CPU until it is released, so it may be taken in thread and in interrupt context.
// Never taken in an NMI or in the stopped world. Order between locks is documented at each lock's declaration.

#include "libos/base/Assert.h"

#include <arch/Interrupts.h>
#include <arch/NoStop.h>
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
        arch::enter_spin_lock();
        // acquire: what the previous holder wrote before its release is seen by this one.
        while (m_held.exchange(true, std::memory_order_acquire)) {
            while (m_held.load(std::memory_order_relaxed))
                arch::relax();
        }
        return state;
    }

    [[gnu::noinline]] void unlock(arch::InterruptState state) {
        unlock_masked();
        arch::restore_interrupts(state);
    }
    /// For who restores interrupts itself.
    void unlock_masked() {
        ASSERT(m_held.load(std::memory_order_relaxed));
        m_held.store(false, std::memory_order_release);
        arch::leave_spin_lock();
    }

    /// For assertions and for the stopped world, which must know whether a structure is consistent.
    bool is_held() const { return m_held.load(std::memory_order_relaxed); }

private:
    std::atomic<bool> m_held{false};
};

/// A SpinLock that the stopped world may take too: the debugger stops no CPU that holds it (arch/NoStop.h). For what
/// the debugger's own channel goes through.
class NoStopLock {
public:
    constexpr NoStopLock() = default;

    [[gnu::noinline]] arch::InterruptState lock() {
        auto state = arch::disable_interrupts();
        arch::enter_no_stop();
        // A CPU that waits is not stopped either, but for no longer than the holder's section lasts.
        m_lock.lock();
        return state;
    }
    [[gnu::noinline]] void unlock(arch::InterruptState state) {
        m_lock.unlock_masked();
        arch::leave_no_stop();
        arch::restore_interrupts(state);
    }
    /// In the stopped world: its holder is a CPU that did not stop in time, or the crashing one itself.
    bool is_held() const { return m_lock.is_held(); }

private:
    SpinLock m_lock;
};

/// Holds a lock for a scope.
template <typename Lock>
class [[nodiscard]] Locker {
public:
    explicit Locker(Lock& lock)
        : m_lock(lock)
        , m_state(lock.lock()) {}
    ~Locker() { m_lock.unlock(m_state); }
    Locker(const Locker&) = delete;
    Locker& operator=(const Locker&) = delete;

private:
    Lock& m_lock;
    arch::InterruptState m_state;
};

using SpinLocker = Locker<SpinLock>;
using NoStopLocker = Locker<NoStopLock>;

} // namespace sched
