#include "libos/crash/Watchdog.h"

#include "libos/crash/Crash.h"
#include "libos/sched/Clock.h"

#include <algorithm>
#include <arch/CpuLocal.h>

namespace crash {

namespace {

struct Watch {
    uint64_t ticks = 0;
    uint64_t looked = 0; ///< monotonic_ns() of the last look; 0: none yet
    uint64_t silent = 0; ///< nanoseconds that `ticks` has not moved
};
/// More than this between two looks is the watcher's own absence, and most likely that of the whole machine: its host
/// was asleep, or had no time for it.
constexpr uint64_t longest_look = 500'000'000;
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
    if (watch.looked == 0 || ticks != watch.ticks) {
        watch = {ticks, now, 0};
        return;
    }
    watch.silent += std::min(now - watch.looked, longest_look);
    watch.looked = now;
    if (watch.silent > g_limit)
        cpu_hangs(index);
}

} // namespace crash
