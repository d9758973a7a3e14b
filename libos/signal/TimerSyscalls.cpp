#include "libos/signal/TimerSyscalls.h"

#include "libos/memory/UserMemory.h"
#include "libos/process/Process.h"
#include "libos/sched/Clock.h"
#include "libos/sched/Scheduler.h"
#include "libos/signal/ProcessSignals.h"
#include "libos/signal/Timers.h"
#include "libos/syscall/UserTime.h"

#include <algorithm>

namespace signal {

namespace {

using base::Error;
using base::fail;
using syscalls::Arguments;
using syscalls::TimeSpec;
using syscalls::TimeValue;
using Outcome = base::Result<uint64_t>;

constexpr uint32_t real_timer = 0, virtual_timer = 1, profile_timer = 2;

/// struct itimerval, struct itimerspec.
template <typename Time>
struct TimerValue {
    Time interval;
    Time value;

    base::Result<TimerSetting> to_setting() const {
        return TimerSetting{.value = TRY(value.to_ns()), .interval = TRY(interval.to_ns())};
    }
    static TimerValue from(const TimerSetting& setting) {
        return {Time::from(setting.interval), Time::from(setting.value)};
    }
};

/// struct sigevent.
struct Event {
    static constexpr int32_t none = 1, of_thread = 4;

    uint64_t value;
    int32_t number;
    int32_t notify;
    int32_t thread;
    uint8_t rest[44];
};
static_assert(sizeof(Event) == 64);

TimerSetting set_interval_timer(uint32_t which, const TimerSetting& setting) {
    TimerSetting before;
    {
        sched::SpinLocker locker(process_signals().lock);
        Timer& timer = *process_signals().timers.find(which);
        timer.signal = which == real_timer ? Alarm : which == virtual_timer ? VirtualAlarm : Profile;
        // The kernel's time is the app's: the two clocks of the process are one.
        timer.clock = which == real_timer ? TimerClock::Monotonic : TimerClock::ProcessCpu;
        uint64_t now = *now_of(timer);
        before = process_signals().timers.set(timer, setting, now, false);
    }
    timers_changed();
    return before;
}

/// `value` of an absolute time on the timer's clock, as a time on the one that it runs by. Never 0.
uint64_t absolute_value(const Timer& timer, uint64_t value) {
    if (timer.clock_id == syscalls::Realtime)
        value = sched::deadline_from_realtime(value);
    else if (timer.clock_id == syscalls::BootTime)
        value -= std::min(value, sched::boottime_ns() - sched::monotonic_ns());
    return value != 0 ? value : 1;
}

bool is_app_thread(uint32_t tid) {
    sched::SpinLocker locker(process_signals().lock);
    return find_app_thread(tid) != nullptr;
}

base::Result<Timer*> posix_timer(const Arguments& a) {
    Timer* timer = a.as_u32(0) < TimerTable::interval_timers ? nullptr : process_signals().timers.find(a.as_u32(0));
    if (timer == nullptr)
        return fail(Error::Invalid);
    return timer;
}

} // namespace

Outcome sys_alarm(const Arguments& a) {
    auto before = set_interval_timer(real_timer, {.value = uint64_t{a.as_u32(0)} * syscalls::second_ns});
    // Never 0 while one was running.
    uint64_t seconds = (before.value + syscalls::second_ns / 2) / syscalls::second_ns;
    return seconds == 0 && before.value != 0 ? 1 : seconds;
}

Outcome sys_getitimer(const Arguments& a) {
    if (a.as_u32(0) > profile_timer)
        return fail(Error::Invalid);
    TimerSetting left;
    {
        sched::SpinLocker locker(process_signals().lock);
        const Timer& timer = *process_signals().timers.find(a.as_u32(0));
        left = TimerTable::left(timer, *now_of(timer));
    }
    TRY(memory::write_user(a.value[1], TimerValue<TimeValue>::from(left)));
    return 0;
}

Outcome sys_setitimer(const Arguments& a) {
    if (a.as_u32(0) > profile_timer)
        return fail(Error::Invalid);
    TimerSetting setting; // Linux: no pointer stops the timer
    if (a.value[1] != 0)
        setting = TRY(TRY(memory::read_user<TimerValue<TimeValue>>(a.value[1])).to_setting());
    auto before = set_interval_timer(a.as_u32(0), setting);
    if (a.value[2] != 0)
        TRY(memory::write_user(a.value[2], TimerValue<TimeValue>::from(before)));
    return 0;
}

Outcome sys_timer_create(const Arguments& a) {
    Timer timer;
    timer.clock_id = a.as_int(0);
    if (auto cpu = syscalls::cpu_clock(timer.clock_id)) {
        timer.clock = cpu->of_thread ? TimerClock::ThreadCpu : TimerClock::ProcessCpu;
        timer.thread = cpu->id != 0 ? cpu->id : sched::current_thread().tid;
        if (cpu->of_thread ? !is_app_thread(timer.thread) : cpu->id != 0 && cpu->id != process::process_id)
            return fail(Error::Invalid);
    } else if (timer.clock_id != syscalls::Realtime && timer.clock_id != syscalls::Monotonic &&
               timer.clock_id != syscalls::BootTime) {
        return fail(Error::Invalid);
    }
    bool has_event = a.value[1] != 0;
    timer.signal = Alarm;
    if (has_event) {
        auto event = TRY(memory::read_user<Event>(a.value[1]));
        timer.value = event.value;
        timer.signal = (event.notify & Event::none) != 0 ? 0 : event.number;
        if (timer.signal != 0 && (timer.signal < 1 || timer.signal > last_number))
            return fail(Error::Invalid);
        if ((event.notify & Event::of_thread) != 0) {
            timer.target = static_cast<uint32_t>(event.thread);
            if (!is_app_thread(timer.target))
                return fail(Error::Invalid);
        }
    }
    uint32_t id;
    {
        sched::SpinLocker locker(process_signals().lock);
        id = TRY(process_signals().timers.create(timer));
        if (!has_event)
            process_signals().timers.find(id)->value = id;
    }
    auto written = memory::write_user(a.value[2], id);
    if (!written) {
        sched::SpinLocker locker(process_signals().lock);
        process_signals().timers.remove(id);
        return fail(written.error());
    }
    return 0;
}

Outcome sys_timer_settime(const Arguments& a) {
    constexpr uint32_t absolute = 1;
    auto setting = TRY(TRY(memory::read_user<TimerValue<TimeSpec>>(a.value[2])).to_setting());
    TimerSetting before;
    {
        sched::SpinLocker locker(process_signals().lock);
        Timer& timer = *TRY(posix_timer(a));
        uint64_t now = TRY(now_of(timer));
        bool is_absolute = (a.as_u32(1) & absolute) != 0;
        if (is_absolute && setting.value != 0)
            setting.value = absolute_value(timer, setting.value);
        before = process_signals().timers.set(timer, setting, now, is_absolute);
    }
    timers_changed();
    if (a.value[3] != 0)
        TRY(memory::write_user(a.value[3], TimerValue<TimeSpec>::from(before)));
    return 0;
}

Outcome sys_timer_gettime(const Arguments& a) {
    TimerSetting left;
    {
        sched::SpinLocker locker(process_signals().lock);
        const Timer& timer = *TRY(posix_timer(a));
        left = TimerTable::left(timer, TRY(now_of(timer)));
    }
    TRY(memory::write_user(a.value[1], TimerValue<TimeSpec>::from(left)));
    return 0;
}

Outcome sys_timer_getoverrun(const Arguments& a) {
    sched::SpinLocker locker(process_signals().lock);
    return TRY(posix_timer(a))->overrun;
}

Outcome sys_timer_delete(const Arguments& a) {
    {
        auto& process = process_signals();
        sched::SpinLocker locker(process.lock);
        TRY(posix_timer(a));
        process.pending.remove_of_timer(process.pool, a.as_u32(0));
        {
            sched::SpinLocker threads(sched::scheduler().lock());
            for (auto* t = sched::scheduler().first_thread(); t != nullptr; t = t->all_next)
                t->signals.pending.remove_of_timer(process.pool, a.as_u32(0));
        }
        process.timers.remove(a.as_u32(0));
    }
    timers_changed();
    return 0;
}

} // namespace signal
