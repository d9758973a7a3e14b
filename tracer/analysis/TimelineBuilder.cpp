#include "tracer/analysis/TimelineBuilder.h"

#include <fmt/format.h>

#include <limits>

namespace tracer {

// Linux's task states as sched_switch reports them (include/linux/sched.h): 0 is runnable, 0x10 and up are dead.
static constexpr uint64_t g_task_traced = 0x8;
static constexpr uint64_t g_task_dead_mask = 0x10 | 0x20 | 0x80;

// The status values of lttng_statedump_process_state.
enum class DumpedStatus : uint32_t {
    Unknown = 0,
    WaitFork = 1,
    WaitCpu = 2,
    Exit = 3,
    Zombie = 4,
    Wait = 5,
    Run = 6,
    Dead = 7
};

// A CPU number comes from a file: more lanes than this are nonsense.
static constexpr size_t g_max_cpus = 1024;

TimelineBuilder::TimelineBuilder(Schema schema)
    : m_core(classify(schema)) {
    m_timeline.m_schema = std::move(schema);
}

void TimelineBuilder::reserve(size_t event_count) {
    auto& events = m_timeline.m_events;
    events.time.reserve(event_count);
    events.thread.reserve(event_count);
    events.type.reserve(event_count);
    events.cpu.reserve(event_count);
    events.payload.reserve(event_count);
}

TimelineBuilder::CpuState& TimelineBuilder::cpu_state(uint16_t cpu) {
    while (m_cpu_states.size() <= cpu) {
        CpuLane lane;
        lane.cpu = static_cast<uint32_t>(m_cpu_states.size());
        m_timeline.m_cpus.push_back(std::move(lane));
        m_cpu_states.emplace_back();
    }
    return m_cpu_states[cpu];
}

void TimelineBuilder::set_seen_from(uint16_t cpu, Time time) {
    if (cpu >= g_max_cpus)
        return;
    cpu_state(cpu).seen_from = time;
    m_all_seen_from = std::max(m_all_seen_from, time);
}

/// The thread that has that tid now; tid 0 is idle, which is no thread.
ThreadIndex TimelineBuilder::thread_of(uint32_t tid, Time time) {
    if (tid == 0)
        return no_thread;
    auto [entry, is_new] = m_live_threads.try_emplace(tid, static_cast<ThreadIndex>(m_timeline.m_threads.size()));
    if (is_new) {
        m_timeline.m_threads.push_back({.tid = tid, .name = {}, .start = 0, .end = never, .is_kernel = false});
        m_timeline.m_thread_lanes.emplace_back();
        m_open_system_calls.push_back(no_row);
        if (time > 0)
            m_timeline.m_thread_lanes.back().states.push(0, ThreadStep{});
    }
    return entry->second;
}

void TimelineBuilder::set_name(ThreadIndex thread, const FieldValue& name) {
    const auto* text = std::get_if<std::string_view>(&name);
    if (thread != no_thread && text && !text->empty() && m_timeline.m_threads[thread].name != *text)
        m_timeline.m_threads[thread].name = *text;
}

void TimelineBuilder::set_state(ThreadIndex thread, Time time, ThreadState state, uint16_t cpu, bool woken) {
    if (thread == no_thread)
        return;
    // Perhaps it runs, on a CPU that is not seen yet.
    if (state == ThreadState::Runnable && time < m_all_seen_from)
        state = ThreadState::Unknown;
    uint32_t open = m_open_system_calls[thread];
    m_timeline.m_thread_lanes[thread].states.push(
        time, ThreadStep{.state = state,
                         .woken = woken,
                         .cpu = cpu,
                         .system_call = open == no_row ? no_system_call : m_timeline.m_system_calls.number[open]});
}

/// The first event that tells who runs on a CPU also tells who ran there since it is seen.
void TimelineBuilder::learn_current(uint16_t cpu, uint32_t tid, Time time) {
    auto& state = m_cpu_states[cpu];
    if (state.is_known)
        return;
    state.is_known = true;
    state.current = thread_of(tid, time);
    lane(cpu).running.push(state.seen_from, state.current);
    if (state.current != no_thread && state.seen_from > 0) {
        const auto& states = m_timeline.m_thread_lanes[state.current].states;
        if (states.empty() || states.begins().back() <= state.seen_from)
            set_state(state.current, state.seen_from, ThreadState::Running, cpu);
    }
    for (uint32_t row : state.rows_before_known)
        m_timeline.m_events.thread[row] = state.current;
    state.rows_before_known = {};
}

void TimelineBuilder::add(Time time, uint16_t cpu, uint16_t type_index, const uint8_t* payload) {
    if (cpu >= g_max_cpus)
        return;
    auto& state = cpu_state(cpu);
    auto& events = m_timeline.m_events;
    const EventType& type = m_timeline.m_schema.types()[type_index];
    const CoreEventType& core = m_core[type_index];
    auto row = static_cast<uint32_t>(events.size());
    std::span<const uint8_t> bytes(payload, type.has_string ? std::numeric_limits<uint32_t>::max() : type.fixed_size);
    auto integer = [&](int which) { return type.integer(static_cast<size_t>(core.field[which]), bytes); };
    auto tid_of = [&](int which) { return static_cast<uint32_t>(integer(which)); };
    auto has = [&](int which) { return core.field[which] >= 0; };

    if (core.event == CoreEvent::SchedSwitch || core.event == CoreEvent::Sample)
        learn_current(cpu, tid_of(0), time);
    events.time.push_back(time);
    events.thread.push_back(state.current);
    events.type.push_back(type_index);
    events.cpu.push_back(cpu);
    events.payload.push_back(payload);
    if (!state.is_known)
        state.rows_before_known.push_back(row);
    m_timeline.m_end = time;

    switch (core.event) {
    case CoreEvent::Other:
        break;
    case CoreEvent::SchedSwitch:
        sched_switch(time, cpu, type, core, bytes);
        break;
    case CoreEvent::SchedWaking:
    case CoreEvent::SchedWakeup: {
        ThreadIndex thread = thread_of(tid_of(0), time);
        if (has(1))
            set_name(thread, type.value(static_cast<size_t>(core.field[1]), bytes));
        waking(time, cpu, thread, core.event == CoreEvent::SchedWaking);
        break;
    }
    case CoreEvent::ThreadStart:
        thread_start(time, cpu, type, core, bytes);
        break;
    case CoreEvent::ThreadRename:
        set_name(thread_of(tid_of(0), time), type.value(static_cast<size_t>(core.field[1]), bytes));
        break;
    case CoreEvent::ThreadExit: {
        ThreadIndex thread = thread_of(tid_of(0), time);
        if (thread != no_thread && m_timeline.m_threads[thread].end == never)
            m_timeline.m_threads[thread].end = time;
        break;
    }
    case CoreEvent::SystemCallEntry:
        enter_system_call(time, cpu, has(0) ? tid_of(0) : core.system_call, row);
        break;
    case CoreEvent::SystemCallExit:
        leave_system_call(time, cpu, static_cast<int64_t>(integer(0)));
        break;
    case CoreEvent::InterruptEntry:
        begin_interrupt(time, cpu, InterruptKind::Interrupt, integer(0));
        break;
    case CoreEvent::InterruptExit:
        end_interrupt(time, cpu, InterruptKind::Interrupt);
        break;
    case CoreEvent::PageFaultEntry:
        begin_interrupt(time, cpu, InterruptKind::PageFault, integer(0));
        break;
    case CoreEvent::PageFaultExit:
        end_interrupt(time, cpu, InterruptKind::PageFault);
        break;
    case CoreEvent::DebuggerStop:
        if (m_open_stop < 0) {
            m_open_stop = static_cast<int64_t>(m_timeline.m_marks.size());
            ThreadIndex thread = has(0) ? thread_of(tid_of(0), time) : state.current;
            add_mark(
                {.kind = Mark::Kind::DebuggerStop, .begin = time, .end = never, .thread = thread, .text = "debugger"});
        }
        break;
    case CoreEvent::DebuggerResume:
        if (m_open_stop >= 0)
            m_timeline.m_marks[static_cast<size_t>(m_open_stop)].end = time;
        m_open_stop = -1;
        break;
    case CoreEvent::Sample: {
        auto& samples = m_timeline.m_samples;
        samples.time.push_back(time);
        samples.thread.push_back(thread_of(tid_of(0), time));
        samples.cpu.push_back(cpu);
        samples.ip.push_back(integer(1));
        break;
    }
    case CoreEvent::ThreadState:
        thread_state(time, type, core, bytes);
        break;
    }
}

void TimelineBuilder::sched_switch(Time time, uint16_t cpu, const EventType& type, const CoreEventType& core,
                                   std::span<const uint8_t> payload) {
    auto integer = [&](int which) { return type.integer(static_cast<size_t>(core.field[which]), payload); };
    ThreadIndex previous = thread_of(static_cast<uint32_t>(integer(0)), time);
    ThreadIndex next = thread_of(static_cast<uint32_t>(integer(2)), time);
    if (core.field[3] >= 0)
        set_name(previous, type.value(static_cast<size_t>(core.field[3]), payload));
    if (core.field[4] >= 0)
        set_name(next, type.value(static_cast<size_t>(core.field[4]), payload));

    if (previous != no_thread) {
        auto& states = m_timeline.m_thread_lanes[previous].states;
        // A thread seen for the first time when it leaves a CPU ran there before.
        if (states.size() == 1 && states.value(0).state == ThreadState::Unknown && lane(cpu).running.size() <= 1)
            states = {}, set_state(previous, 0, ThreadState::Running, cpu);
        uint64_t state = integer(1);
        if (state == 0) {
            set_state(previous, time, ThreadState::Runnable, cpu);
        } else if ((state & g_task_dead_mask) != 0) {
            set_state(previous, time, ThreadState::Exited, cpu);
            auto& thread = m_timeline.m_threads[previous];
            if (thread.end == never)
                thread.end = time;
            m_live_threads.erase(thread.tid);
        } else {
            bool is_traced = (state & g_task_traced) != 0;
            set_state(previous, time, is_traced ? ThreadState::Stopped : ThreadState::Blocked, cpu);
        }
    }
    set_state(next, time, ThreadState::Running, cpu);
    m_cpu_states[cpu].current = next;
    lane(cpu).running.push(time, next);
}

void TimelineBuilder::waking(Time time, uint16_t cpu, ThreadIndex thread, bool record) {
    if (thread == no_thread)
        return;
    if (record) {
        auto& wakeups = m_timeline.m_wakeups;
        wakeups.time.push_back(time);
        wakeups.thread.push_back(thread);
        wakeups.waker.push_back(m_cpu_states[cpu].current);
        wakeups.cpu.push_back(cpu);
    }
    const auto& states = m_timeline.m_thread_lanes[thread].states;
    ThreadState now = states.empty() ? ThreadState::Unknown : states.values().back().state;
    if (now == ThreadState::Blocked || now == ThreadState::Stopped || now == ThreadState::Unknown)
        set_state(thread, time, ThreadState::Runnable, states.empty() ? cpu : states.values().back().cpu, true);
}

void TimelineBuilder::thread_start(Time time, uint16_t cpu, const EventType& type, const CoreEventType& core,
                                   std::span<const uint8_t> payload) {
    auto tid = static_cast<uint32_t>(type.integer(static_cast<size_t>(core.field[0]), payload));
    m_live_threads.erase(tid); // it may have ended unseen
    ThreadIndex thread = thread_of(tid, time);
    if (thread == no_thread)
        return;
    m_timeline.m_threads[thread].start = time;
    if (core.field[1] >= 0)
        set_name(thread, type.value(static_cast<size_t>(core.field[1]), payload));
    m_timeline.m_thread_lanes[thread].states = {};
    set_state(thread, time, ThreadState::Blocked, cpu);
}

/// One thread of the state dump: it tells names, and states of threads that no event was about yet.
void TimelineBuilder::thread_state(Time time, const EventType& type, const CoreEventType& core,
                                   std::span<const uint8_t> payload) {
    auto integer = [&](int which) { return type.integer(static_cast<size_t>(core.field[which]), payload); };
    ThreadIndex thread = thread_of(static_cast<uint32_t>(integer(0)), time);
    if (thread == no_thread)
        return;
    if (core.field[1] >= 0)
        set_name(thread, type.value(static_cast<size_t>(core.field[1]), payload));
    if (core.field[4] >= 0)
        m_timeline.m_threads[thread].is_kernel = integer(4) == 1;
    auto& states = m_timeline.m_thread_lanes[thread].states;
    bool is_unknown = states.empty() || (states.size() == 1 && states.value(0).state == ThreadState::Unknown);
    if (!is_unknown || core.field[2] < 0)
        return;
    uint64_t cpu = core.field[3] >= 0 ? integer(3) : 0;
    auto known_cpu = static_cast<uint16_t>(cpu < g_max_cpus ? cpu : 0);
    switch (static_cast<DumpedStatus>(integer(2))) {
    case DumpedStatus::WaitCpu:
        states = {}, set_state(thread, 0, ThreadState::Runnable, known_cpu);
        break;
    case DumpedStatus::Wait:
        states = {}, set_state(thread, 0, ThreadState::Blocked, known_cpu);
        break;
    case DumpedStatus::Run:
        states = {}, set_state(thread, 0, ThreadState::Running, known_cpu);
        break;
    default:
        break;
    }
}

void TimelineBuilder::enter_system_call(Time time, uint16_t cpu, uint32_t number, uint32_t row) {
    ThreadIndex thread = m_cpu_states[cpu].current;
    if (thread == no_thread)
        return;
    auto& calls = m_timeline.m_system_calls;
    if (uint32_t open = m_open_system_calls[thread]; open != no_row)
        calls.end[open] = time; // its exit was lost
    auto index = static_cast<uint32_t>(calls.size());
    calls.begin.push_back(time);
    calls.end.push_back(never);
    calls.thread.push_back(thread);
    calls.number.push_back(number);
    calls.result.push_back(0);
    calls.entry_row.push_back(row);
    calls.is_finished.push_back(0);
    m_timeline.m_thread_lanes[thread].system_calls.push_back(index);
    m_open_system_calls[thread] = index;
    set_state(thread, time, ThreadState::Running, cpu);
}

void TimelineBuilder::leave_system_call(Time time, uint16_t cpu, int64_t result) {
    ThreadIndex thread = m_cpu_states[cpu].current;
    if (thread == no_thread)
        return;
    uint32_t open = m_open_system_calls[thread];
    if (open != no_row) {
        auto& calls = m_timeline.m_system_calls;
        calls.end[open] = time;
        calls.result[open] = result;
        calls.is_finished[open] = 1;
        m_open_system_calls[thread] = no_row;
    }
    set_state(thread, time, ThreadState::Running, cpu);
}

void TimelineBuilder::begin_interrupt(Time time, uint16_t cpu, InterruptKind kind, uint64_t detail) {
    auto& open = m_cpu_states[cpu].open_interrupts;
    auto& spans = lane(cpu).interrupts;
    open.push_back(static_cast<uint32_t>(spans.size()));
    auto depth = static_cast<uint8_t>(std::min<size_t>(open.size() - 1, 255));
    spans.begin.push_back(time);
    spans.end.push_back(never);
    spans.value.push_back({.kind = kind, .depth = depth, .detail = detail});
}

/// Ends the innermost open one of that kind; what was opened inside of it lost its end and ends here too.
void TimelineBuilder::end_interrupt(Time time, uint16_t cpu, InterruptKind kind) {
    auto& open = m_cpu_states[cpu].open_interrupts;
    auto& spans = lane(cpu).interrupts;
    size_t match = open.size();
    while (match > 0 && spans.value[open[match - 1]].kind != kind)
        --match;
    if (match == 0)
        return;
    for (; open.size() >= match; open.pop_back())
        spans.end[open.back()] = time;
}

void TimelineBuilder::build_event_lists() {
    const auto& threads = m_timeline.m_events.thread;
    std::vector<size_t> counts(m_timeline.m_threads.size());
    for (ThreadIndex thread : threads)
        if (thread != no_thread)
            ++counts[thread];
    for (size_t i = 0; i < counts.size(); ++i)
        m_timeline.m_thread_lanes[i].events.reserve(counts[i]);
    for (size_t row = 0; row < threads.size(); ++row)
        if (threads[row] != no_thread)
            m_timeline.m_thread_lanes[threads[row]].events.push_back(static_cast<uint32_t>(row));
}

Timeline TimelineBuilder::finish() && {
    Time end = m_timeline.m_end;
    for (size_t cpu = 0; cpu < m_cpu_states.size(); ++cpu) {
        auto& lane = m_timeline.m_cpus[cpu];
        lane.running.finish(end);
        for (auto& span_end : lane.interrupts.end)
            span_end = std::min(span_end, end);
    }
    for (auto& lane : m_timeline.m_thread_lanes)
        lane.states.finish(end);
    for (auto& call_end : m_timeline.m_system_calls.end)
        call_end = std::min(call_end, end);
    for (auto& mark : m_timeline.m_marks)
        mark.end = std::min(mark.end, end);
    build_event_lists();
    return std::move(m_timeline);
}

} // namespace tracer
