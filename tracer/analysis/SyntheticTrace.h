#pragma once
// SyntheticTrace makes traces for tests: the kernel's own event types (core_schema()), and more if one asks for them.
//
//     SyntheticTrace trace;
//     trace.thread(10, "worker");
//     trace.switch_to(1'000, 0, 10);
//     trace.event(2'000, 0, "syscall_entry", {{"nr", 0}, {"arg0", 3}});
//     Timeline timeline = trace.timeline();
//
// Events may be given in any order. Times are ns; the trace clock of synthetic packets has 1 GHz, so ticks are ns too.

#include "probes/wire/Channel.h"
#include "tracer/analysis/Timeline.h"

#include <filesystem>
#include <initializer_list>
#include <map>
#include <utility>

namespace tracer {

class SyntheticTrace {
public:
    struct Value {
        Value(int number)
            : number(static_cast<uint64_t>(number)) {}
        Value(int64_t number)
            : number(static_cast<uint64_t>(number)) {}
        Value(uint64_t number)
            : number(number) {}
        Value(uint32_t number)
            : number(number) {}
        Value(const char* text)
            : text(text) {}
        Value(std::string text)
            : text(std::move(text)) {}
        uint64_t number = 0;
        std::string text;
    };
    using Values = std::initializer_list<std::pair<std::string_view, Value>>;

    struct Event {
        Time time;
        uint16_t cpu;
        uint16_t type; ///< index into schema().types()
        std::vector<uint8_t> payload;
    };

    SyntheticTrace();

    /// More event types than core_schema() has; its id is overwritten.
    void add_type(EventType type);
    /// Names a thread in events that follow.
    void thread(uint32_t tid, std::string name) { m_names[tid] = std::move(name); }
    /// Any event; fields that are not given are zero. The type must exist.
    void event(Time time, uint16_t cpu, std::string_view type, Values values = {});

    /// sched_switch from whom this CPU ran (tid 0 at first); `previous_state` 0 runnable, 1 blocked, 16 dead.
    void switch_to(Time time, uint16_t cpu, uint32_t tid, int64_t previous_state = 1);
    void wake(Time time, uint16_t cpu, uint32_t tid);
    void system_call(Time begin, Time end, uint16_t cpu, uint32_t number, int64_t result);
    void sample(Time time, uint16_t cpu, uint32_t tid, uint64_t ip);

    const Schema& schema() const { return m_schema; }
    /// In order of time.
    std::vector<Event> events() const;
    Timeline timeline() const;
    /// The packets of one CPU, as its ring would hold them.
    std::vector<std::vector<uint8_t>> packets(uint16_t cpu, size_t sub_buffer_size = 4096) const;
    /// What the instance would say of itself: 1 GHz, tick 0 at origin.
    static wire::HelloMessage hello();
    /// A trace directory with all of it.
    Result<> write(const std::filesystem::path& path, size_t sub_buffer_size = 4096) const;

    /// ns since 1970 of time 0 in hello().
    static constexpr uint64_t origin = 1'700'000'000'000'000'000;

private:
    Schema m_schema;
    std::map<uint32_t, std::string> m_names;
    std::map<uint16_t, uint32_t> m_current;
    std::vector<Event> m_events;
};

/// A service-like trace on `cpus` CPUs: worker threads with system calls, interrupts, blocking, wakeups and samples,
/// `duration` long, about one event per microsecond and CPU. The same arguments give the same trace.
SyntheticTrace make_busy_trace(uint32_t cpus, uint32_t threads, Time duration);

} // namespace tracer
