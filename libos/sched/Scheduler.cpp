#include "libos/sched/Scheduler.h"

#include "libos/memory/KernelStack.h"
#include "libos/sched/Clock.h"
#include "libos/signal/Signals.h"
#include "libos/trace/Events.h"

#include <algorithm>
#include <arch/Fpu.h>
#include <arch/LocalApic.h>
#include <arch/Switch.h>

namespace sched {

namespace {
constinit Scheduler g_scheduler;

void run_idle(void*) {
    g_scheduler.idle();
}

constexpr uint64_t slice_ns = 10'000'000;
/// The first slice of a thread that was started as the next: an app's start-up takes longer than a usual slice where
/// code is translated when it first runs, and what the kernel's threads have to say can wait for its first output.
/// Nor do further CPUs come up before it waits or its slice ends: the thread that starts them is among those that wait.
constexpr uint64_t head_start_ns = 50'000'000;
} // namespace

Scheduler& scheduler() {
    return g_scheduler;
}

base::Result<> Scheduler::initialize_cpu(arch::CpuLocal& cpu) {
    Thread* idle = TRY(Thread::create_kernel("idle", run_idle, nullptr));
    idle->tid = 0;
    idle->cpu = cpu.index;
    idle->state = ThreadState::Runnable;
    cpu.idle = idle;
    return {};
}

void Scheduler::assign_tid(Thread& thread) {
    SpinLocker locker(m_lock);
    assign_tid_locked(thread);
}

void Scheduler::assign_tid_locked(Thread& thread) {
    thread.tid = thread.is_kernel() ? m_next_kernel_tid++ : m_next_tid++;
}

void Scheduler::add_record(Thread& thread) {
    auto& record = thread.record;
    record.thread.tid = thread.tid;
    record.thread.cpu = wire::core_no_cpu;
    record.thread.flags = thread.is_kernel() ? uint32_t{wire::CoreThreadKernel} : 0u;
    record.thread.system_call = wire::core_no_system_call;
    record.thread.stack_low = thread.kernel_stack_bottom;
    record.thread.stack_high = thread.kernel_stack_top;
    record.user_frame = thread.is_kernel() ? 0 : reinterpret_cast<uint64_t>(&thread.app_frame());
    while (m_first_free_record < record_capacity && m_records[m_first_free_record] != 0)
        ++m_first_free_record;
    thread.record_index = m_first_free_record;
    if (m_first_free_record < record_capacity)
        m_records[m_first_free_record++] = reinterpret_cast<uint64_t>(&record);
}

void Scheduler::remove_record(Thread& thread) {
    if (thread.record_index == record_capacity)
        return;
    m_records[thread.record_index] = 0;
    m_first_free_record = std::min(m_first_free_record, thread.record_index);
}

void Thread::update_record() {
    record.thread.cpu = cpu;
    record.thread.state = static_cast<uint32_t>(state.load(std::memory_order_relaxed));
    record.fs_base = fs_base;
    __builtin_memcpy(record.thread.name, name, sizeof(name));
}

void Scheduler::start(Thread& thread, Placement placement) {
    if (thread.tid == 0)
        assign_tid(thread);
    SpinLocker locker(m_lock);
    add_record(thread);
    thread.all_next = m_all;
    if (m_all != nullptr)
        m_all->all_previous = &thread;
    m_all = &thread;
    if (!thread.is_kernel())
        ++m_app_threads;
    if (placement == Placement::Next)
        thread.slice_end = boottime_ns() + head_start_ns;
    if (placement == Placement::Spread)
        make_runnable(thread);
    else
        make_runnable_on(thread, arch::this_cpu().index, placement == Placement::Next);
}

void Scheduler::start_first(Thread& thread) {
    auto& cpu = arch::this_cpu();
    cpu.current = cpu.idle;
    m_lock.lock();
    assign_tid_locked(thread);
    add_record(thread);
    thread.all_next = m_all;
    m_all = &thread;
    thread.state.store(ThreadState::Running, std::memory_order_relaxed);
    thread.started_at = arch::timestamp();
    cpu.current = &thread;
    arch::load_thread_context(thread.kernel_stack_top, thread.kernel_stack_bottom, 0);
    uint64_t abandoned;
    program_timer();
    arch::switch_stacks(&abandoned, thread.saved_stack_pointer());
    __builtin_unreachable();
}

Thread* Scheduler::find(uint32_t tid) const {
    for (Thread* thread = m_all; thread != nullptr; thread = thread->all_next) {
        if (thread->tid == tid)
            return thread;
    }
    return nullptr;
}

void Scheduler::enqueue(Thread& thread) {
    auto& queue = m_queues[thread.cpu];
    thread.queue_next = nullptr;
    if (queue.last != nullptr)
        queue.last->queue_next = &thread;
    else
        queue.first = &thread;
    queue.last = &thread;
    ++queue.length;
}

void Scheduler::enqueue_first(Thread& thread) {
    auto& queue = m_queues[thread.cpu];
    thread.queue_next = queue.first;
    queue.first = &thread;
    if (queue.last == nullptr)
        queue.last = &thread;
    ++queue.length;
}

/// Takes the first thread out of the queue that may run on `cpu`: not one that the debugger holds.
Thread* Scheduler::take(Queue& queue, uint32_t cpu) {
    Thread* previous = nullptr;
    for (Thread* thread = queue.first; thread != nullptr; previous = thread, thread = thread->queue_next) {
        if (thread->held.load(std::memory_order_relaxed) || (thread->affinity & (uint64_t{1} << cpu)) == 0)
            continue;
        (previous != nullptr ? previous->queue_next : queue.first) = thread->queue_next;
        if (queue.last == thread)
            queue.last = previous;
        thread->queue_next = nullptr;
        --queue.length;
        return thread;
    }
    return nullptr;
}

bool Scheduler::is_coming(uint32_t index) {
    const auto& cpu = arch::cpu(index);
    return cpu.current == cpu.idle && cpu.reschedule.load(std::memory_order_relaxed);
}

Thread* Scheduler::dequeue(uint32_t cpu) {
    if (Thread* own = take(m_queues[cpu], cpu))
        return own;
    // Nothing here: what waits elsewhere. But what an idle CPU has just been woken for ran there before and stays
    // there.
    for (uint32_t i = 1; i < arch::cpu_count(); ++i) {
        uint32_t other = (cpu + i) % arch::cpu_count();
        if (m_queues[other].length == 1 && is_coming(other))
            continue;
        if (Thread* thread = take(m_queues[other], cpu))
            return thread;
    }
    return nullptr;
}

void Scheduler::make_runnable(Thread& thread) {
    // Where it ran last if that CPU is idle, else any idle CPU, else the allowed CPU with the shortest queue.
    uint32_t best = thread.cpu;
    uint32_t best_load = UINT32_MAX;
    for (uint32_t i = 0; i < arch::cpu_count(); ++i) {
        uint32_t index = (thread.cpu + i) % arch::cpu_count();
        auto& cpu = arch::cpu(index);
        if (!cpu.online.load(std::memory_order_acquire) || (thread.affinity & (uint64_t{1} << index)) == 0)
            continue;
        uint32_t load = m_queues[index].length + (cpu.current == cpu.idle ? 0 : 1);
        if (load < best_load) {
            best = index;
            best_load = load;
        }
    }
    make_runnable_on(thread, best);
}

void Scheduler::make_runnable_on(Thread& thread, uint32_t index, bool first) {
    thread.cpu = index;
    thread.state.store(ThreadState::Runnable, std::memory_order_relaxed);
    thread.wait_reason = WaitReason::None;
    thread.update_record();
    if (first)
        enqueue_first(thread);
    else
        enqueue(thread);
    trace::sched_wakeup(thread, index);
    auto& cpu = arch::cpu(index);
    if (cpu.current == cpu.idle || &cpu == &arch::this_cpu()) {
        if (cpu.current == cpu.idle)
            cpu.reschedule.store(true, std::memory_order_release);
        if (&cpu != &arch::this_cpu())
            arch::send_interrupt(index, arch::reschedule_vector);
    }
}

void Scheduler::remove_timer(Thread& thread) {
    for (Thread** link = &m_timers; *link != nullptr; link = &(*link)->timer_next) {
        if (*link == &thread) {
            *link = thread.timer_next;
            break;
        }
    }
    thread.timer_next = nullptr;
    thread.deadline = no_deadline;
}

void Scheduler::unlink_from_wait(Thread& thread) {
    if (WaitQueue* queue = thread.waiting_on) {
        Thread* previous = nullptr;
        for (Thread* t = queue->m_first; t != nullptr; previous = t, t = t->queue_next) {
            if (t != &thread)
                continue;
            (previous != nullptr ? previous->queue_next : queue->m_first) = t->queue_next;
            if (queue->m_last == t)
                queue->m_last = previous;
            break;
        }
        thread.queue_next = nullptr;
        thread.waiting_on = nullptr;
    }
    if (thread.deadline != no_deadline)
        remove_timer(thread);
}

void Scheduler::expire_timers() {
    uint64_t now = monotonic_ns();
    while (m_timers != nullptr && m_timers->deadline <= now) {
        Thread& thread = *m_timers;
        thread.timed_out = true;
        unlink_from_wait(thread);
        trace::sched_waking(thread);
        make_runnable(thread);
    }
}

void Scheduler::block_current(WaitQueue* queue, Deadline deadline) {
    Thread& thread = current_thread();
    thread.timed_out = false;
    thread.interrupted = false;
    thread.waiting_on = queue;
    if (queue != nullptr) {
        thread.queue_next = nullptr;
        if (queue->m_last != nullptr)
            queue->m_last->queue_next = &thread;
        else
            queue->m_first = &thread;
        queue->m_last = &thread;
    }
    thread.deadline = deadline;
    if (deadline != no_deadline) {
        Thread** link = &m_timers;
        while (*link != nullptr && (*link)->deadline <= deadline)
            link = &(*link)->timer_next;
        thread.timer_next = *link;
        *link = &thread;
    }
    thread.state.store(ThreadState::Blocked, std::memory_order_relaxed);
    switch_to_next(false);
}

/// A thread that was preempted waits in its CPU's queue: a CPU with nothing to do fetches it.
void Scheduler::wake_idle_cpu_for(const Thread& thread) {
    for (uint32_t i = 0; i < arch::cpu_count(); ++i) {
        auto& cpu = arch::cpu(i);
        if (&cpu == &arch::this_cpu() || !cpu.online.load(std::memory_order_acquire) || cpu.current != cpu.idle ||
            (thread.affinity & (uint64_t{1} << i)) == 0 || cpu.reschedule.load(std::memory_order_relaxed))
            continue;
        cpu.reschedule.store(true, std::memory_order_release);
        arch::send_interrupt(i, arch::reschedule_vector);
        return;
    }
}

void Scheduler::switch_to_next(bool requeue) {
    auto& cpu = arch::this_cpu();
    Thread& previous = *cpu.current;
    cpu.reschedule.store(false, std::memory_order_relaxed);
    if (requeue && &previous != cpu.idle) {
        if ((previous.affinity & (uint64_t{1} << cpu.index)) != 0) {
            previous.state.store(ThreadState::Runnable, std::memory_order_relaxed);
            enqueue(previous);
            if (!previous.held.load(std::memory_order_relaxed) && m_queues[cpu.index].length > 1)
                wake_idle_cpu_for(previous);
        } else {
            make_runnable(previous);
        }
    }
    Thread* next = dequeue(cpu.index);
    if (next == nullptr)
        next = cpu.idle;
    next->state.store(ThreadState::Running, std::memory_order_relaxed);
    next->cpu = cpu.index;
    if (next == &previous)
        return;
    uint64_t now = arch::timestamp();
    previous.cpu_time += now - previous.started_at;
    next->started_at = now;
    next->slice_end = std::max(next->slice_end, boottime_ns() + slice_ns);
    previous.update_record();
    next->update_record();
    trace::sched_switch(previous, *next);
    if (previous.fpu_state != nullptr)
        arch::save_fpu(previous.fpu_state);
    cpu.current = next;
    if (cpu.crash_record != nullptr) {
        cpu.crash_record->current = reinterpret_cast<uint64_t>(&next->record);
        cpu.crash_record->cpu.tid = next->tid;
    }
    arch::load_thread_context(next->kernel_stack_top, next->kernel_stack_bottom, next->fs_base);
    if (next->fpu_state != nullptr)
        arch::restore_fpu(next->fpu_state);
    program_timer();
    arch::switch_stacks(&previous.saved_stack_pointer(), next->saved_stack_pointer());
    // Here `previous` runs again, perhaps on another CPU; the lock is held by the switch that came here.
    reap();
}

void Scheduler::reap() {
    Thread*& dead = m_dead[arch::this_cpu().index];
    if (dead == nullptr)
        return;
    memory::free_kernel_stack({dead->kernel_stack_bottom, dead->kernel_stack_top});
    delete[] static_cast<char*>(dead->fpu_state);
    delete dead;
    dead = nullptr;
}

void Scheduler::finish_switch() {
    reap();
    m_lock.unlock(arch::disable_interrupts());
}

void Scheduler::exit_current() {
    m_lock.lock();
    Thread& thread = current_thread();
    trace::sched_process_exit(thread);
    remove_record(thread);
    thread.state.store(ThreadState::Exited, std::memory_order_relaxed);
    (thread.all_previous != nullptr ? thread.all_previous->all_next : m_all) = thread.all_next;
    if (thread.all_next != nullptr)
        thread.all_next->all_previous = thread.all_previous;
    if (!thread.is_kernel()) {
        --m_app_threads;
        m_exited_cpu_time += thread.cpu_time + (arch::timestamp() - thread.started_at);
    }
    m_dead[arch::this_cpu().index] = &thread;
    switch_to_next(false);
    __builtin_unreachable();
}

void Scheduler::yield() {
    auto state = m_lock.lock();
    switch_to_next(true);
    m_lock.unlock(state);
}

void Scheduler::preempt_if_needed() {
    if (arch::this_cpu().reschedule.load(std::memory_order_acquire) ||
        current_thread().held.load(std::memory_order_relaxed))
        yield();
}

base::Result<> Scheduler::sleep_until(Deadline deadline) {
    auto state = m_lock.lock();
    Thread& thread = current_thread();
    thread.wait_reason = WaitReason::Sleep;
    if (signal::is_pending_for(thread) || thread.exit_requested) {
        m_lock.unlock(state);
        return base::fail(base::Error::Interrupted);
    }
    block_current(nullptr, deadline);
    bool was_interrupted = thread.interrupted;
    m_lock.unlock(state);
    if (was_interrupted)
        return base::fail(base::Error::Interrupted);
    return {};
}

void Scheduler::interrupt(Thread& thread) {
    SpinLocker locker(m_lock);
    if (thread.state.load(std::memory_order_relaxed) == ThreadState::Blocked) {
        thread.interrupted = true;
        unlink_from_wait(thread);
        trace::sched_waking(thread);
        make_runnable(thread);
    } else if (thread.state.load(std::memory_order_relaxed) == ThreadState::Running) {
        // It looks for signals on its way back to the app; the interrupt makes that soon.
        if (thread.cpu != arch::this_cpu().index)
            arch::send_interrupt(thread.cpu, arch::reschedule_vector);
    }
}

void Scheduler::program_timer() {
    auto& cpu = arch::this_cpu();
    uint64_t now = boottime_ns();
    uint64_t next = m_next_tick[cpu.index];
    if (next <= now)
        next = now + m_tick_ns;
    uint64_t wait = next - now;
    Deadline deadline = m_timers != nullptr ? std::min(m_timers->deadline, m_alarm) : m_alarm;
    if (deadline != no_deadline) {
        uint64_t monotonic = monotonic_ns();
        uint64_t until = deadline > monotonic ? deadline - monotonic : 1;
        if (until < wait)
            wait = until;
    }
    arch::arm_timer(wait == 0 ? 1 : wait);
}

void Scheduler::set_alarm(Deadline deadline) {
    SpinLocker locker(m_lock);
    m_alarm = deadline;
    program_timer();
}

void Scheduler::note_alive() {
    auto& cpu = arch::this_cpu();
    cpu.last_tick = arch::timestamp();
    if (cpu.crash_record != nullptr)
        cpu.crash_record->cpu.last_tick = cpu.last_tick;
}

void Scheduler::timer_interrupt() {
    SpinLocker locker(m_lock);
    auto& cpu = arch::this_cpu();
    note_alive();
    expire_timers();
    uint64_t now = boottime_ns();
    if (now >= m_next_tick[cpu.index]) {
        m_next_tick[cpu.index] = now + m_tick_ns;
        tick();
    }
    program_timer();
}

void Scheduler::tick() {
    auto& cpu = arch::this_cpu();
    cpu.ticks.fetch_add(1, std::memory_order_relaxed);
    if (cpu.current == cpu.idle) {
        if (m_queues[cpu.index].length != 0)
            cpu.reschedule.store(true, std::memory_order_relaxed);
    } else if (m_queues[cpu.index].length != 0 && boottime_ns() >= cpu.current->slice_end) {
        cpu.reschedule.store(true, std::memory_order_relaxed);
    }
}

void Scheduler::idle() {
    for (;;) {
        {
            SpinLocker locker(m_lock);
            switch_to_next(false);
        }
        // Interrupts are off between the check and the sti before hlt, whose shadow covers hlt: no wake-up is lost.
        if (!arch::this_cpu().reschedule.load(std::memory_order_acquire))
            arch::wait_for_interrupt();
    }
}

} // namespace sched
