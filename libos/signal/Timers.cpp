#include "libos/signal/Timers.h"

#include "libos/sched/Clock.h"
#include "libos/sched/CpuTime.h"
#include "libos/sched/Scheduler.h"
#include "libos/signal/ProcessSignals.h"
#include "libos/signal/Signals.h"

#include <algorithm>
#include <atomic>

namespace signal {

namespace {

/// When on_timer_interrupt() has something to do; 0: at each tick, since a timer runs by CPU time. Written with the
/// signal lock held. Relaxed: a CPU that sees an old value looks again at its next tick, and the one that changed it
/// has the interrupt programmed for itself.
constinit std::atomic<uint64_t> g_due{TimerTable::never};

static_assert(TimerTable::capacity - TimerTable::interval_timers <= SignalPool::for_timers,
              "each timer has one signal on its way at most");

constexpr uint64_t most_overruns = INT32_MAX; // DELAYTIMER_MAX

void send(uint32_t id, Timer& timer, uint64_t times) {
    if (timer.signal == 0)
        return;
    if (timer.is_waiting) {
        timer.waiting_over = static_cast<uint32_t>(std::min(most_overruns, timer.waiting_over + times));
        return;
    }
    Info info{.number = timer.signal};
    if (id < TimerTable::interval_timers) {
        info.code = SentByKernel;
        (void)queue_to_process(info); // a standard signal: never refused
        return;
    }
    info.code = SentByTimer;
    info.address_or_sender = id;
    info.value = timer.value;
    timer.waiting_over = static_cast<uint32_t>(std::min(most_overruns, times - 1));
    // The pool has a place for each timer: refused is none. But it may be ignored, or its thread have ended.
    Set waits = 0;
    if (timer.target == 0) {
        (void)queue_to_process(info);
        waits = process_signals().pending.pending();
    } else if (auto* thread = find_app_thread(timer.target)) {
        (void)queue_to_thread(*thread, info);
        waits = thread->signals.pending.pending();
    }
    timer.is_waiting = (waits & bit(timer.signal)) != 0;
}

/// Lock held.
void expire_all() {
    TimerTable& timers = process_signals().timers;
    for (uint32_t id = 0; id < timers.end(); ++id) {
        Timer* timer = timers.find(id);
        if (timer == nullptr || timer->deadline == 0)
            continue;
        auto now = now_of(*timer);
        if (!now) {
            timer->deadline = 0; // nobody's time passes any more
            continue;
        }
        if (uint64_t times = TimerTable::expire(*timer, *now))
            send(id, *timer, times);
    }
}

/// Lock held. What the scheduler is to be told, without the lock.
sched::Deadline note_due() {
    const TimerTable& timers = process_signals().timers;
    uint64_t next = timers.next_deadline();
    g_due.store(timers.runs_by_cpu_time() ? 0 : next, std::memory_order_relaxed);
    return next == TimerTable::never ? sched::no_deadline : next;
}

} // namespace

base::Result<uint64_t> now_of(const Timer& timer) {
    if (timer.clock == TimerClock::Monotonic)
        return sched::monotonic_ns();
    if (timer.clock == TimerClock::ProcessCpu)
        return sched::app_cpu_time();
    sched::SpinLocker threads(sched::scheduler().lock());
    auto* thread = sched::scheduler().find(timer.thread);
    if (thread == nullptr)
        return base::fail(base::Error::NoSuchProcess);
    return sched::cpu_time_of(*thread);
}

void timers_changed() {
    sched::Deadline next;
    {
        sched::SpinLocker locker(process_signals().lock);
        next = note_due();
    }
    sched::scheduler().set_alarm(next);
}

void on_timer_interrupt() {
    uint64_t due = g_due.load(std::memory_order_relaxed);
    if (due != 0 && due > sched::monotonic_ns())
        return;
    {
        sched::SpinLocker locker(process_signals().lock);
        expire_all();
    }
    timers_changed();
}

void note_delivered(Info& info) {
    if (info.code != SentByTimer)
        return;
    auto id = static_cast<uint32_t>(info.address_or_sender);
    Timer* timer = process_signals().timers.find(id);
    if (timer == nullptr || !timer->is_waiting)
        return;
    timer->is_waiting = false;
    timer->overrun = timer->waiting_over;
    timer->waiting_over = 0;
    info.address_or_sender = id | uint64_t{timer->overrun} << 32;
}

} // namespace signal
