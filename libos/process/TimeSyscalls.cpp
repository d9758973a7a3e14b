#include "libos/memory/UserMemory.h"
#include "libos/process/Syscalls.h"
#include "libos/sched/Clock.h"
#include "libos/sched/Scheduler.h"

namespace process {

using base::Error;
using base::fail;

namespace {

struct TimeSpec {
    int64_t seconds;
    int64_t nanoseconds;
};
struct TimeValue {
    int64_t seconds;
    int64_t microseconds;
};

constexpr uint64_t second = 1'000'000'000;

// include/uapi/linux/time.h
enum ClockId {
    Realtime = 0,
    Monotonic = 1,
    ProcessCpuTime = 2,
    ThreadCpuTime = 3,
    MonotonicRaw = 4,
    RealtimeCoarse = 5,
    MonotonicCoarse = 6,
    BootTime = 7,
};

uint64_t cpu_time_of(const sched::Thread& thread) {
    uint64_t ticks = thread.cpu_time;
    if (thread.state.load(std::memory_order_relaxed) == sched::ThreadState::Running)
        ticks += arch::timestamp() - thread.started_at;
    return sched::duration_ns(ticks);
}

uint64_t process_cpu_time() {
    auto& scheduler = sched::scheduler();
    sched::SpinLocker locker(scheduler.lock());
    uint64_t sum = sched::duration_ns(scheduler.exited_cpu_time());
    for (auto* thread = scheduler.first_thread(); thread != nullptr; thread = thread->all_next) {
        if (!thread->is_kernel())
            sum += cpu_time_of(*thread);
    }
    return sum;
}

base::Result<uint64_t> read_clock(int id) {
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
    case ProcessCpuTime:
        return process_cpu_time();
    case ThreadCpuTime:
        return cpu_time_of(sched::current_thread());
    default:
        return fail(Error::Invalid);
    }
}

TimeSpec to_timespec(uint64_t ns) {
    return {static_cast<int64_t>(ns / second), static_cast<int64_t>(ns % second)};
}

base::Result<uint64_t> read_timespec(uint64_t address) {
    auto t = TRY(memory::read_user<TimeSpec>(address));
    if (t.seconds < 0 || t.nanoseconds < 0 || t.nanoseconds >= static_cast<int64_t>(second))
        return fail(Error::Invalid);
    if (static_cast<uint64_t>(t.seconds) > UINT64_MAX / second - 1)
        return sched::no_deadline - 1;
    return static_cast<uint64_t>(t.seconds) * second + static_cast<uint64_t>(t.nanoseconds);
}

Outcome sleep_until(sched::Deadline deadline, uint64_t remaining_address) {
    auto slept = sched::scheduler().sleep_until(deadline);
    if (!slept && remaining_address != 0) {
        uint64_t now = sched::monotonic_ns();
        TRY(memory::write_user(remaining_address, to_timespec(deadline > now ? deadline - now : 0)));
    }
    TRY(slept);
    return 0;
}

} // namespace

Outcome sys_nanosleep(const Arguments& a) {
    return sleep_until(sched::deadline_after(TRY(read_timespec(a.value[0]))), a.value[1]);
}

Outcome sys_clock_nanosleep(const Arguments& a) {
    constexpr uint32_t absolute = 1;
    int id = a.as_int(0);
    if (id != Realtime && id != Monotonic && id != BootTime)
        return fail(Error::Invalid);
    uint64_t ns = TRY(read_timespec(a.value[2]));
    if ((a.as_u32(1) & absolute) == 0)
        return sleep_until(sched::deadline_after(ns), a.value[3]);
    return sleep_until(id == Realtime ? sched::deadline_from_realtime(ns) : ns, 0);
}

Outcome sys_clock_gettime(const Arguments& a) {
    TRY(memory::write_user(a.value[1], to_timespec(TRY(read_clock(a.as_int(0))))));
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
        TRY(memory::write_user(
            a.value[0], TimeValue{static_cast<int64_t>(now / second), static_cast<int64_t>(now % second / 1000)}));
    if (a.value[1] != 0)
        TRY(memory::write_user(a.value[1], uint64_t{0})); // UTC
    return 0;
}

Outcome sys_time(const Arguments& a) {
    uint64_t now = sched::realtime_ns() / second;
    if (a.value[0] != 0)
        TRY(memory::write_user(a.value[0], now));
    return now;
}

Outcome sys_times(const Arguments& a) {
    constexpr uint64_t per_tick = second / 100;
    if (a.value[0] != 0) {
        struct Times {
            uint64_t user, system, child_user, child_system;
        };
        TRY(memory::write_user(a.value[0], Times{process_cpu_time() / per_tick, 0, 0, 0}));
    }
    return sched::monotonic_ns() / per_tick;
}

Outcome sys_getrusage(const Arguments& a) {
    constexpr int self = 0, thread = 1;
    if (a.as_int(0) > thread)
        return fail(Error::Invalid);
    uint64_t ns = a.as_int(0) == self     ? process_cpu_time()
                  : a.as_int(0) == thread ? cpu_time_of(sched::current_thread())
                                          : 0;
    struct Usage {
        TimeValue user, system;
        int64_t counts[14];
    };
    static_assert(sizeof(Usage) == 144);
    TRY(memory::write_user(
        a.value[1], Usage{{static_cast<int64_t>(ns / second), static_cast<int64_t>(ns % second / 1000)}, {}, {}}));
    return 0;
}

} // namespace process
