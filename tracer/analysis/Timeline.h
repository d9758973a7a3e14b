#pragma once
// Timeline: what happened in a recording, as an immutable snapshot that `report`, `export` and the viewer share.
//
// It is built once (analysis/TimelineBuilder.h, analysis/TraceLoader.h) and then only read, by any number of threads,
// without locks. Everything is in columns; accessors cost an index or a binary search. Times are nanoseconds since the
// first event; origin_ns() is that instant since 1970. Threads are named by ThreadIndex, their place in threads(),
// because a tid can come back after its thread has ended.

#include "tracer/trace/Schema.h"
#include "tracer/trace/SystemCallNames.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tracer {

using Time = int64_t; ///< ns since the first event
inline constexpr Time never = std::numeric_limits<Time>::max();

using ThreadIndex = uint32_t;
inline constexpr ThreadIndex no_thread = 0xffffffff; ///< idle, on a CPU lane; "not known" elsewhere

/// Intervals of one lane without gaps: interval i lasts from begin(i) to end(i) == begin(i + 1).
template <typename Value>
class Steps {
public:
    size_t size() const { return m_begins.size(); }
    bool empty() const { return m_begins.empty(); }
    Time begin(size_t i) const { return m_begins[i]; }
    Time end(size_t i) const { return i + 1 < m_begins.size() ? m_begins[i + 1] : m_end; }
    const Value& value(size_t i) const { return m_values[i]; }
    std::span<const Time> begins() const { return m_begins; }
    std::span<const Value> values() const { return m_values; }

    /// The first interval that ends after `time`; size() if there is none.
    size_t first_ending_after(Time time) const {
        if (empty() || time >= m_end)
            return size();
        size_t after = static_cast<size_t>(std::upper_bound(m_begins.begin(), m_begins.end(), time) - m_begins.begin());
        return after == 0 ? 0 : after - 1;
    }

    /// Ends the open interval at `time` and begins the next; an empty one is replaced.
    void push(Time time, Value value) {
        if (!m_begins.empty() && m_values.back() == value)
            return;
        if (!m_begins.empty() && m_begins.back() == time) {
            m_values.back() = value;
            return;
        }
        m_begins.push_back(time);
        m_values.push_back(value);
    }
    void finish(Time end) { m_end = end; }

private:
    std::vector<Time> m_begins;
    std::vector<Value> m_values;
    Time m_end = 0;
};

/// Intervals of one lane with gaps, ordered by begin; nested ones come behind the one that they are in.
template <typename Value>
struct Spans {
    std::vector<Time> begin;
    std::vector<Time> end; ///< >= begin; the timeline's end if it was still open then
    std::vector<Value> value;
    size_t size() const { return begin.size(); }
};

enum class InterruptKind : uint8_t { Interrupt, PageFault };
struct InterruptValue {
    InterruptKind kind = InterruptKind::Interrupt;
    uint8_t depth = 0;   ///< 0 outermost
    uint64_t detail = 0; ///< vector, or the address that was not mapped
};

struct CpuLane {
    uint32_t cpu = 0;
    Steps<ThreadIndex> running; ///< no_thread: idle
    Spans<InterruptValue> interrupts;
};

enum class ThreadState : uint8_t {
    Unknown,  ///< before the first event about it
    Running,  ///< on a CPU
    Runnable, ///< waits for a CPU
    Blocked,  ///< waits for something else
    Stopped,  ///< held by a debugger
    Exited,
};
std::string_view to_string(ThreadState state);

inline constexpr uint32_t no_system_call = 0xffffffff;

struct ThreadStep {
    ThreadState state = ThreadState::Unknown;
    bool woken = false; ///< Runnable because it was woken, not preempted
    uint16_t cpu = 0;   ///< Running: where; else where it ran last
    /// The system call that it is in: for Blocked, what it is blocked in.
    uint32_t system_call = no_system_call;
    bool operator==(const ThreadStep&) const = default;
};

struct ThreadLane {
    Steps<ThreadStep> states;
    std::vector<uint32_t> system_calls; ///< indices into Timeline::system_calls()
    std::vector<uint32_t> events;       ///< rows of Timeline::events()
};

struct Thread {
    uint32_t tid = 0;
    std::string name; ///< empty if no event told it
    Time start = 0;   ///< 0 if it was there before
    Time end = never;
    bool is_kernel = false;
};

/// Columns of all system calls, by begin.
struct SystemCalls {
    std::vector<Time> begin;
    std::vector<Time> end; ///< the timeline's end if it did not return
    std::vector<ThreadIndex> thread;
    std::vector<uint32_t> number;
    std::vector<int64_t> result;      ///< negative: error number; 0 if it did not return
    std::vector<uint32_t> entry_row;  ///< the entry's row in events(): its fields are the arguments; no_row if lost
    std::vector<uint8_t> is_finished; ///< 0: it had not returned when the recording ended
    size_t size() const { return begin.size(); }
};
inline constexpr uint32_t no_row = 0xffffffff;

/// The event table's columns, by time. Use Timeline's accessors for fields.
struct Events {
    std::vector<Time> time;
    std::vector<ThreadIndex> thread; ///< who ran on the CPU; no_thread for idle
    std::vector<uint16_t> type;      ///< index into schema().types()
    std::vector<uint16_t> cpu;
    std::vector<const uint8_t*> payload; ///< first byte of the fields, in memory that the timeline owns
    size_t size() const { return time.size(); }
};

/// Tick samples, by time.
struct Samples {
    std::vector<Time> time;
    std::vector<ThreadIndex> thread;
    std::vector<uint16_t> cpu;
    std::vector<uint64_t> ip;
    size_t size() const { return time.size(); }
};

/// Who woke whom, by time.
struct Wakeups {
    std::vector<Time> time;
    std::vector<ThreadIndex> thread; ///< that was woken
    std::vector<ThreadIndex> waker;  ///< no_thread: from an interrupt in idle
    std::vector<uint16_t> cpu;       ///< where that happened
    size_t size() const { return time.size(); }
};

/// An interval in which a debugger held the machine, or an instant worth a line through all lanes.
struct Mark {
    enum class Kind : uint8_t { DebuggerStop, Crash, Note };
    Kind kind = Kind::Note;
    Time begin = 0;
    Time end = 0;
    ThreadIndex thread = no_thread;
    std::string text;
};

/// Events that were produced but are not in the trace, somewhere between `begin` and `end`.
struct Loss {
    uint32_t cpu = 0;
    Time begin = 0;
    Time end = 0;
    uint64_t count = 0;
};

struct TraceIdentity {
    std::string image_path; ///< may be empty
    std::string build_id;   ///< hexadecimal; may be empty
    std::string instance;   ///< its name; may be empty
    uint64_t tsc_hz = 0;
};

class Timeline {
public:
    int64_t origin_ns() const { return m_origin_ns; }
    /// Time of the last event; the first one's is 0.
    Time end() const { return m_end; }
    const TraceIdentity& identity() const { return m_identity; }
    const Schema& schema() const { return m_schema; }

    const std::vector<CpuLane>& cpus() const { return m_cpus; }
    const std::vector<Thread>& threads() const { return m_threads; }
    /// One per thread, at its ThreadIndex.
    const std::vector<ThreadLane>& thread_lanes() const { return m_thread_lanes; }
    const SystemCalls& system_calls() const { return m_system_calls; }
    const Events& events() const { return m_events; }
    const Samples& samples() const { return m_samples; }
    const Wakeups& wakeups() const { return m_wakeups; }
    const std::vector<Mark>& marks() const { return m_marks; }
    const std::vector<Loss>& losses() const { return m_losses; }
    /// Events lost in all; lower than the sum of produced minus events().size() never.
    uint64_t lost_events() const;

    const EventType& event_type(size_t row) const { return m_schema.types()[m_events.type[row]]; }
    FieldValue field(size_t row, size_t field_index) const;
    std::span<const uint8_t> payload(size_t row) const;
    /// "prev_tid=3, next_tid=0": all fields on a line.
    std::string fields_text(size_t row) const;

    /// The thread's name, or "thread 12".
    std::string thread_label(ThreadIndex thread) const;
    /// Time within [begin, end) in which no debugger held the machine.
    Time running_time(Time begin, Time end) const;
    /// The first row at or after `time`.
    size_t first_event_at(Time time) const;

private:
    friend class TimelineBuilder;
    int64_t m_origin_ns = 0;
    Time m_end = 0;
    TraceIdentity m_identity;
    Schema m_schema;
    std::vector<CpuLane> m_cpus;
    std::vector<Thread> m_threads;
    std::vector<ThreadLane> m_thread_lanes;
    SystemCalls m_system_calls;
    Events m_events;
    Samples m_samples;
    Wakeups m_wakeups;
    std::vector<Mark> m_marks;
    std::vector<Loss> m_losses;
    std::vector<std::shared_ptr<const void>> m_storage; ///< keeps what Events::payload points to
};

} // namespace tracer
