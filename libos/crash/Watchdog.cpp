#include "libos/crash/Watchdog.h"

#include "libos/crash/Crash.h"
#include "libos/sched/Clock.h"

#include <arch/CpuLocal.h>

namespace crash {

namespace {

struct Watch {
    uint64_t ticks = 0;
    uint64_t since = 0; ///< boottime_ns() when `ticks` was first seen; 0: not yet
};
constinit Watch g_watches[arch::max_cpus]; ///< by watched CPU; written by its one watcher
constinit uint64_t g_limit = 10'000'000'000;

} // namespace

void set_watchdog_limit(uint64_t nanoseconds) {
    g_limit = nanoseconds;
}

void watch_neighbour() {
    uint32_t count = arch::cpu_count();
    if (count < 2 || g_limit == 0)
        return;
    uint32_t index = (arch::this_cpu().index + 1) % count;
    auto& cpu = arch::cpu(index);
    if (!cpu.online.load(std::memory_order_acquire) || cpu.parked.load(std::memory_order_acquire))
        return;
    auto& watch = g_watches[index];
    uint64_t ticks = cpu.ticks.load(std::memory_order_relaxed);
    // Monotonic time: a stop of the debugger is no silence.
    uint64_t now = sched::monotonic_ns();
    if (watch.since == 0 || ticks != watch.ticks) {
        watch = {ticks, now};
        return;
    }
    if (now - watch.since > g_limit)
        cpu_hangs(index);
}

} // namespace crash
