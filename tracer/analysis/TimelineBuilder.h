#pragma once
// TimelineBuilder turns events, in order of time over all CPUs, into a Timeline.
//
//     TimelineBuilder builder(schema);
//     builder.add(time, cpu, type_index, payload);   // as often as there are events
//     Timeline timeline = std::move(builder).finish(end);
//
// Lanes are state machines over the scheduler's events; a missing event (loss) leaves a wrong state until the next
// event about that thread or CPU corrects it, never an inconsistent lane. Not thread-safe.

#include "tracer/analysis/CoreEvents.h"
#include "tracer/analysis/Timeline.h"

#include <unordered_map>

namespace tracer {

class TimelineBuilder {
public:
    explicit TimelineBuilder(Schema schema);

    void set_identity(TraceIdentity identity) { m_timeline.m_identity = std::move(identity); }
    /// The instant of time 0, in ns since 1970.
    void set_origin(int64_t ns_since_1970) { m_timeline.m_origin_ns = ns_since_1970; }
    /// Keeps memory that payloads point into alive as long as the timeline.
    void keep(std::shared_ptr<const void> storage) { m_timeline.m_storage.push_back(std::move(storage)); }
    void reserve(size_t event_count);

    /// Nothing is known of a CPU before `time`, as of a flight recorder's ring that has been overwritten; from 0 on
    /// unless told. Before the first add().
    void set_seen_from(uint16_t cpu, Time time);

    /// `payload` holds the whole event, in memory given to keep(). `time` is not below that of the event before.
    void add(Time time, uint16_t cpu, uint16_t type_index, const uint8_t* payload);
    void add_loss(Loss loss) { m_timeline.m_losses.push_back(loss); }
    void add_mark(Mark mark) { m_timeline.m_marks.push_back(std::move(mark)); }

    Timeline finish() &&;

private:
    struct OpenSystemCall {
        uint32_t index = no_row;
    };
    struct CpuState {
        bool is_known = false;
        Time seen_from = 0;
        ThreadIndex current = no_thread;
        std::vector<uint32_t> rows_before_known;
        std::vector<uint32_t> open_interrupts; ///< indices into CpuLane::interrupts
    };

    CpuState& cpu_state(uint16_t cpu);
    CpuLane& lane(uint16_t cpu) { return m_timeline.m_cpus[cpu]; }
    ThreadIndex thread_of(uint32_t tid, Time time);
    void set_name(ThreadIndex thread, const FieldValue& name);
    void set_state(ThreadIndex thread, Time time, ThreadState state, uint16_t cpu, bool woken = false);
    void learn_current(uint16_t cpu, uint32_t tid, Time time);

    void sched_switch(Time time, uint16_t cpu, const EventType& type, const CoreEventType& core,
                      std::span<const uint8_t> payload);
    void waking(Time time, uint16_t cpu, ThreadIndex thread, bool record);
    void thread_start(Time time, uint16_t cpu, const EventType& type, const CoreEventType& core,
                      std::span<const uint8_t> payload);
    void thread_state(Time time, const EventType& type, const CoreEventType& core, std::span<const uint8_t> payload);
    void enter_system_call(Time time, uint16_t cpu, uint32_t number, uint32_t row);
    void leave_system_call(Time time, uint16_t cpu, int64_t result);
    void begin_interrupt(Time time, uint16_t cpu, InterruptKind kind, uint64_t detail);
    void end_interrupt(Time time, uint16_t cpu, InterruptKind kind);
    void build_event_lists();

    Timeline m_timeline;
    std::vector<CoreEventType> m_core;
    std::vector<CpuState> m_cpu_states;
    std::vector<uint32_t> m_open_system_calls; ///< by ThreadIndex: index into SystemCalls, or no_row
    std::unordered_map<uint32_t, ThreadIndex> m_live_threads;
    Time m_all_seen_from = 0;
    int64_t m_open_stop = -1; ///< index into marks
};

} // namespace tracer
