#include "libos/memory/UserMemory.h"
#include "libos/process/Process.h"
#include "libos/process/Syscalls.h"
#include "libos/sched/Clock.h"
#include "libos/sched/CpuTime.h"
#include "libos/sched/Scheduler.h"
#include "libos/syscall/UserTime.h"

namespace process {

using base::Error;
using base::fail;

namespace {

using syscalls::second_ns;
using syscalls::TimeSpec;
using syscalls::TimeValue;

base::Result<uint64_t> read_cpu_clock(const syscalls::CpuClock& clock) {
    if (!clock.of_thread) {
        if (clock.id != 0 && clock.id != process_id)
            return fail(Error::Invalid);
        return sched::app_cpu_time();
    }
    if (clock.id == 0)
        return sched::cpu_time_of(sched::current_thread());
    sched::SpinLocker threads(sched::scheduler().lock());
    auto* thread = sched::scheduler().find(clock.id);
    if (thread == nullptr || thread->is_kernel())
        return fail(Error::Invalid);
    return sched::cpu_time_of(*thread);
}

base::Result<uint64_t> read_clock(int id) {
    if (auto cpu = syscalls::cpu_clock(id))
        return read_cpu_clock(*cpu);
    using enum syscalls::ClockId;
    switch (id) {
    case Realtime:
    case RealtimeCoarse:
        return sched::realtime_ns();
    case Monotonic:
    case MonotonicRaw:
    case MonotonicCoarse:
        return sched::monotonic_ns();
    case BootTime:
        return sched::boottime_ns();
    default:
        return fail(Error::Invalid);
    }
}

Outcome sleep_until(sched::Deadline deadline, uint64_t remaining_address) {
    auto slept = sched::scheduler().sleep_until(deadline);
    if (!slept && remaining_address != 0) {
        uint64_t now = sched::monotonic_ns();
        TRY(memory::write_user(remaining_address, TimeSpec::from(deadline > now ? deadline - now : 0)));
    }
    TRY(slept);
    return 0;
}

} // namespace

Outcome sys_nanosleep(const Arguments& a) {
    return sleep_until(sched::deadline_after(TRY(syscalls::read_timespec(a.value[0]))), a.value[1]);
}

Outcome sys_clock_nanosleep(const Arguments& a) {
    constexpr uint32_t absolute = 1;
    int id = a.as_int(0);
    if (id != syscalls::Realtime && id != syscalls::Monotonic && id != syscalls::BootTime)
        return fail(Error::Invalid);
    uint64_t ns = TRY(syscalls::read_timespec(a.value[2]));
    if ((a.as_u32(1) & absolute) == 0)
        return sleep_until(sched::deadline_after(ns), a.value[3]);
    return sleep_until(id == syscalls::Realtime ? sched::deadline_from_realtime(ns) : ns, 0);
}

Outcome sys_clock_gettime(const Arguments& a) {
    TRY(memory::write_user(a.value[1], TimeSpec::from(TRY(read_clock(a.as_int(0))))));
    return 0;
}

Outcome sys_clock_getres(const Arguments& a) {
    TRY(read_clock(a.as_int(0)));
    if (a.value[1] != 0)
        TRY(memory::write_user(a.value[1], TimeSpec{0, 1}));
    return 0;
}

Outcome sys_gettimeofday(const Arguments& a) {
    uint64_t now = sched::realtime_ns();
    if (a.value[0] != 0)
        TRY(memory::write_user(a.value[0], TimeValue::from(now)));
    if (a.value[1] != 0)
        TRY(memory::write_user(a.value[1], uint64_t{0})); // UTC
    return 0;
}

Outcome sys_time(const Arguments& a) {
    uint64_t now = sched::realtime_ns() / second_ns;
    if (a.value[0] != 0)
        TRY(memory::write_user(a.value[0], now));
    return now;
}

Outcome sys_times(const Arguments& a) {
    constexpr uint64_t per_tick = second_ns / 100;
    if (a.value[0] != 0) {
        struct Times {
            uint64_t user, system, child_user, child_system;
        };
        TRY(memory::write_user(a.value[0], Times{sched::app_cpu_time() / per_tick, 0, 0, 0}));
    }
    return sched::monotonic_ns() / per_tick;
}

Outcome sys_getrusage(const Arguments& a) {
    constexpr int self = 0, thread = 1;
    if (a.as_int(0) > thread)
        return fail(Error::Invalid);
    uint64_t ns = a.as_int(0) == self     ? sched::app_cpu_time()
                  : a.as_int(0) == thread ? sched::cpu_time_of(sched::current_thread())
                                          : 0;
    struct Usage {
        TimeValue user, system;
        int64_t counts[14];
    };
    static_assert(sizeof(Usage) == 144);
    TRY(memory::write_user(a.value[1], Usage{TimeValue::from(ns), {}, {}}));
    return 0;
}

} // namespace process
