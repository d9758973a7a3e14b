#include "libos/sched/WaitQueue.h"

#include "libos/sched/Scheduler.h"
#include "libos/signal/Signals.h"
#include "libos/trace/Events.h"

namespace sched {

base::Result<> WaitQueue::wait(SpinLock& lock, arch::InterruptState& state, Deadline deadline) {
    auto& s = scheduler();
    auto scheduler_state = s.m_lock.lock();
    Thread& thread = current_thread();
    if (signal::is_pending_for(thread) || thread.exit_requested) {
        s.m_lock.unlock(scheduler_state);
        return base::fail(base::Error::Interrupted);
    }
    if (thread.wait_reason == WaitReason::None)
        thread.wait_reason = WaitReason::Io;
    // The scheduler's lock is held: a waker of this queue comes after the switch. Interrupts stay off.
    lock.unlock(scheduler_state);
    s.block_current(this, deadline);
    bool timed_out = thread.timed_out;
    bool was_interrupted = thread.interrupted;
    s.m_lock.unlock(scheduler_state);
    state = lock.lock();
    if (was_interrupted)
        return base::fail(base::Error::Interrupted);
    if (timed_out)
        return base::fail(base::Error::TimedOut);
    return {};
}

unsigned WaitQueue::wake_one() {
    auto& s = scheduler();
    SpinLocker locker(s.m_lock);
    Thread* thread = m_first;
    if (thread == nullptr)
        return 0;
    s.unlink_from_wait(*thread);
    trace::sched_waking(*thread);
    s.make_runnable(*thread);
    return 1;
}

unsigned WaitQueue::wake_all() {
    unsigned count = 0;
    while (wake_one() != 0)
        ++count;
    return count;
}

} // namespace sched
