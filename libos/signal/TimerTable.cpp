#include "libos/signal/TimerTable.h"

namespace signal {

base::Result<uint32_t> TimerTable::create(const Timer& timer) {
    for (uint32_t id = interval_timers; id < capacity; ++id) {
        if (m_timers[id].is_used)
            continue;
        m_timers[id] = timer;
        m_timers[id].is_used = true;
        if (id >= m_end)
            m_end = id + 1;
        return id;
    }
    return base::fail(base::Error::Again);
}

Timer* TimerTable::find(uint32_t id) {
    return id < capacity && (id < interval_timers || m_timers[id].is_used) ? &m_timers[id] : nullptr;
}

void TimerTable::remove(uint32_t id) {
    m_timers[id] = {};
}

TimerSetting TimerTable::set(Timer& timer, const TimerSetting& setting, uint64_t now, bool absolute) {
    TimerSetting before = left(timer, now);
    timer.interval = setting.interval;
    timer.waiting_over = 0;
    timer.overrun = 0;
    if (setting.value == 0)
        timer.deadline = 0;
    else if (absolute)
        timer.deadline = setting.value;
    else
        timer.deadline = setting.value > never - 1 - now ? never - 1 : now + setting.value;
    return before;
}

TimerSetting TimerTable::left(const Timer& timer, uint64_t now) {
    if (timer.deadline == 0)
        return {.value = 0, .interval = timer.interval};
    // One that is due and has not been seen to yet has a moment left, not none: 0 would say that it does not run.
    return {.value = timer.deadline > now ? timer.deadline - now : 1, .interval = timer.interval};
}

uint64_t TimerTable::expire(Timer& timer, uint64_t now) {
    if (timer.deadline == 0 || now < timer.deadline)
        return 0;
    if (timer.interval == 0) {
        timer.deadline = 0;
        return 1;
    }
    uint64_t times = (now - timer.deadline) / timer.interval + 1;
    timer.deadline += times * timer.interval;
    return times;
}

uint64_t TimerTable::next_deadline() const {
    uint64_t next = never;
    for (uint32_t id = 0; id < m_end; ++id) {
        const Timer& timer = m_timers[id];
        if (timer.clock == TimerClock::Monotonic && timer.deadline != 0 && timer.deadline < next)
            next = timer.deadline;
    }
    return next;
}

bool TimerTable::runs_by_cpu_time() const {
    for (uint32_t id = 0; id < m_end; ++id) {
        if (m_timers[id].clock != TimerClock::Monotonic && m_timers[id].deadline != 0)
            return true;
    }
    return false;
}

} // namespace signal
