#include "libos/sched/CpuTime.h"

#include "libos/sched/Clock.h"
#include "libos/sched/Scheduler.h"

namespace sched {

uint64_t cpu_time_of(const Thread& thread) {
    uint64_t ticks = thread.cpu_time;
    if (thread.state.load(std::memory_order_relaxed) == ThreadState::Running)
        ticks += arch::timestamp() - thread.started_at;
    return duration_ns(ticks);
}

uint64_t app_cpu_time() {
    SpinLocker locker(scheduler().lock());
    uint64_t sum = duration_ns(scheduler().exited_cpu_time());
    for (auto* thread = scheduler().first_thread(); thread != nullptr; thread = thread->all_next) {
        if (!thread->is_kernel())
            sum += cpu_time_of(*thread);
    }
    return sum;
}

} // namespace sched
