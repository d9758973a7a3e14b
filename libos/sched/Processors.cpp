#include "libos/sched/Processors.h"

#include "libos/sched/Clock.h"
#include "libos/sched/Event.h"
#include "libos/sched/Scheduler.h"

#include <arch/Switch.h>

namespace sched {

namespace {
constinit Event g_event;
constinit std::atomic<bool> g_are_up{false};
} // namespace

void processors_are_up() {
    g_are_up.store(true, std::memory_order_release);
    g_event.signal();
}

base::Result<> await_processors() {
    for (;;) {
        uint64_t seen = g_event.count();
        // acquire: what the CPUs did before they were said to be up is seen.
        if (g_are_up.load(std::memory_order_acquire))
            return {};
        TRY(g_event.wait(seen));
    }
}

void Scheduler::start_secondary(void (*on_online)()) {
    auto& cpu = arch::this_cpu();
    Thread& idle_thread = *cpu.idle;
    cpu.current = &idle_thread;
    idle_thread.state.store(ThreadState::Running, std::memory_order_relaxed);
    idle_thread.started_at = arch::timestamp();
    arch::load_thread_context(idle_thread.kernel_stack_top, idle_thread.kernel_stack_bottom, 0);
    {
        SpinLocker locker(m_lock);
        program_timer();
    }
    // Sequentially consistent: whoever does something to all CPUs does it and then looks who is online, this CPU is
    // online and then looks (in on_online()) what was done. One of the two sees the other.
    cpu.online.store(true);
    on_online();
    idle();
}

base::Result<> Scheduler::set_affinity(uint32_t tid, uint64_t mask) {
    uint64_t all = arch::cpu_count() == 64 ? UINT64_MAX : (uint64_t{1} << arch::cpu_count()) - 1;
    if ((mask & all) == 0)
        return base::fail(base::Error::Invalid);
    bool moves = false;
    {
        SpinLocker locker(m_lock);
        Thread* thread = tid == 0 ? &current_thread() : find(tid);
        if (thread == nullptr)
            return base::fail(base::Error::NoSuchProcess);
        thread->affinity = mask;
        moves = thread == &current_thread() && (mask & (uint64_t{1} << thread->cpu)) == 0;
    }
    if (moves)
        yield();
    return {};
}

} // namespace sched
