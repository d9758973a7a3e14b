#pragma once
// Scheduler: run queues, one per CPU, and who runs next.
//
// One lock guards all of it (queues, wait queues, timers, thread states), held with interrupts off and across the stack
// switch: whoever runs next releases it. Lock order: any subsystem's lock > this lock > nothing.

#include "libos/sched/Thread.h"

#include <arch/CpuLocal.h>

namespace sched {

class Scheduler {
public:
    /// Boot CPU: makes the running boot code into a kernel thread; each CPU has an idle thread afterwards.
    base::Result<> initialize_cpu(arch::CpuLocal& cpu);

    void assign_tid(Thread& thread);
    enum class Placement : uint8_t {
        Spread, ///< where it can run soonest
        Here,   ///< on this CPU, for a starter that soon gives way: the others need not wake
        Next,   ///< so too, before those that wait for this CPU, and with a longer first slice
    };
    /// Makes a new thread known and runnable; gives it a tid if it has none.
    void start(Thread& thread, Placement placement = Placement::Spread);
    /// `tid` 0 is the current thread. Error::NoSuchProcess; Error::Invalid if no CPU is left.
    base::Result<> set_affinity(uint32_t tid, uint64_t mask);
    /// The caller never returns. Its stack is freed after the switch.
    [[noreturn]] void exit_current();

    /// End of boot: the boot stack is left for ever, `thread` is the first to run.
    [[noreturn]] void start_first(Thread& thread);
    /// A further CPU, on its idle thread's stack: joins, and calls `on_online`.
    [[noreturn]] void start_secondary(void (*on_online)());

    /// Gives the CPU to the next runnable thread, if there is one.
    void yield();
    /// On the way back to the app: switches if somebody asked for it.
    void preempt_if_needed();

    /// Sleeps until `deadline` or a signal. Error::Interrupted.
    base::Result<> sleep_until(Deadline deadline);

    /// Wakes a thread that sleeps interruptibly: a signal is pending.
    void interrupt(Thread& thread);

    /// From the timer interrupt.
    void tick();
    void timer_interrupt();
    /// The next time at which a timer interrupt has to come for something else than threads that sleep, no_deadline for
    /// none: on this CPU at once, on the others from their next interrupt on.
    void set_alarm(Deadline deadline);
    /// This CPU is not hung, whatever its timer interrupts do: for the watch that the others keep on it.
    void note_alive();

    /// Addresses of the CrashThreads of all threads, 0 for a free place: for the crash root. Threads beyond it are not
    /// in it.
    static constexpr uint32_t record_capacity = 4096;
    const uint64_t* records() const { return m_records; }

    /// Loop of an idle CPU; never returns.
    [[noreturn]] void idle();

    /// All threads, under lock() or in the stopped world.
    Thread* first_thread() const { return m_all; }
    Thread* find(uint32_t tid) const;
    uint32_t app_thread_count() const { return m_app_threads; }
    /// TSC ticks of app threads that are no more.
    uint64_t exited_cpu_time() const { return m_exited_cpu_time; }
    bool lock_is_held() const { return m_lock.is_held(); }

    SpinLock& lock() { return m_lock; }

    /// First code of a new thread: releases the lock that the switch held.
    void finish_switch();

    void set_tick_hz(uint32_t hz) { m_tick_ns = 1'000'000'000 / hz; }

private:
    friend class WaitQueue;
    struct Queue {
        Thread* first = nullptr;
        Thread* last = nullptr;
        uint32_t length = 0;
    };

    void assign_tid_locked(Thread& thread);
    void add_record(Thread& thread);
    void remove_record(Thread& thread);
    void enqueue(Thread& thread);
    void enqueue_first(Thread& thread);
    void wake_idle_cpu_for(const Thread& thread);
    Thread* dequeue(uint32_t cpu);
    /// The CPU is idle and has been told to look into its queue, but has not looked yet.
    static bool is_coming(uint32_t cpu);
    static Thread* take(Queue& queue, uint32_t cpu);
    void make_runnable(Thread& thread);
    void make_runnable_on(Thread& thread, uint32_t cpu, bool first = false);
    void block_current(WaitQueue* queue, Deadline deadline);
    void unlink_from_wait(Thread& thread);
    void remove_timer(Thread& thread);
    void expire_timers();
    void switch_to_next(bool requeue);
    void program_timer();
    void reap();

    SpinLock m_lock;
    Queue m_queues[arch::max_cpus];
    Thread* m_all = nullptr;
    Thread* m_timers = nullptr; ///< by deadline, earliest first
    Deadline m_alarm = no_deadline;
    Thread* m_dead[arch::max_cpus] = {};
    uint32_t m_next_tid = 1;            ///< the app: main is 1, as pid is
    uint32_t m_next_kernel_tid = 60001; ///< out of the way of the app's
    uint64_t m_records[record_capacity] = {};
    uint32_t m_first_free_record = 0; // none below it is free
    uint32_t m_app_threads = 0;
    uint64_t m_exited_cpu_time = 0;
    uint64_t m_tick_ns = 10'000'000;
    uint64_t m_next_tick[arch::max_cpus] = {};
};

Scheduler& scheduler();
inline Thread& current_thread() {
    return *arch::this_cpu().current;
}

} // namespace sched
