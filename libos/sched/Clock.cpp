#include "libos/sched/Clock.h"

#include <arch/Processor.h>
#include <atomic>

namespace sched {

namespace {
constinit uint64_t g_tsc_hz = 1'000'000'000;
constinit uint64_t g_tsc_start = 0;
constinit uint64_t g_multiplier = uint64_t{1} << 32; ///< ns per tick in 32.32 fixed point
constinit uint64_t g_realtime_at_start = 0;
constinit std::atomic<uint64_t> g_stopped_ns{0};
constinit uint64_t g_stop_began = 0;
} // namespace

void initialize_clock(uint64_t tsc_hz, uint64_t realtime_ns) {
    g_tsc_hz = tsc_hz;
    g_tsc_start = arch::timestamp();
    // 10^9 * 2^32 / hz without overflow: 10^9 < 2^30.
    g_multiplier = (uint64_t{1'000'000'000} << 32) / tsc_hz;
    g_realtime_at_start = realtime_ns;
}

uint64_t tsc_hz() {
    return g_tsc_hz;
}

uint64_t nanoseconds_of(uint64_t tsc) {
    return duration_ns(tsc - g_tsc_start);
}

uint64_t duration_ns(uint64_t ticks) {
    return (ticks >> 32) * g_multiplier + (((ticks & 0xffffffff) * g_multiplier) >> 32);
}

uint64_t boottime_ns() {
    return nanoseconds_of(arch::timestamp());
}
uint64_t monotonic_ns() {
    return boottime_ns() - g_stopped_ns.load(std::memory_order_relaxed);
}
uint64_t realtime_ns() {
    return g_realtime_at_start + boottime_ns();
}

void clock_stopped() {
    g_stop_began = boottime_ns();
}
void clock_resumed() {
    g_stopped_ns.fetch_add(boottime_ns() - g_stop_began, std::memory_order_relaxed);
}

Deadline deadline_from_realtime(uint64_t ns) {
    uint64_t now = realtime_ns();
    return monotonic_ns() + (ns > now ? ns - now : 0);
}

Deadline deadline_after(uint64_t ns) {
    uint64_t now = monotonic_ns();
    return ns > no_deadline - 1 - now ? no_deadline : now + ns;
}

} // namespace sched
