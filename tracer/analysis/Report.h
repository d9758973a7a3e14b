#pragma once
// What a recording says in numbers: the contents of `uniscope report`, as values.
//
// Time in which a debugger held the machine is subtracted everywhere.

#include "tracer/analysis/Timeline.h"
#include "tracer/symbols/Symbolizer.h"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace tracer {

/// Of a set of durations in ns. A percentile is the smallest value with at least that share at or below it.
struct Latency {
    uint64_t count = 0;
    Time p50 = 0;
    Time p90 = 0;
    Time p99 = 0;
    Time max = 0;
    Time total = 0;
};
Latency latency_of(std::vector<Time> durations);

struct CpuReport {
    uint32_t cpu = 0;
    Time busy = 0; ///< a thread ran
    Time seen = 0; ///< something is known of the CPU: all of the trace, but in a flight recorder's rings
    uint64_t switches = 0;
    uint64_t lost_events = 0;
};

struct ThreadReport {
    uint32_t tid = 0;
    std::string name;
    bool is_kernel = false;
    Time running = 0;
    Time runnable = 0; ///< waited for a CPU
    Time blocked = 0;
    uint64_t system_calls = 0;
    Latency wakeup; ///< from waking to running
};

struct FunctionReport {
    std::string function; ///< innermost, inlined or not
    std::string file;     ///< of its hottest line; may be empty
    uint32_t line = 0;
    uint64_t samples = 0;
};

struct SystemCallReport {
    std::string name;
    Latency latency;
    uint64_t errors = 0;
    uint64_t unfinished = 0; ///< not in latency
};

struct Report {
    TraceIdentity identity;
    int64_t origin_ns = 0;
    Time duration = 0;      ///< from the first event to the last, without debugger stops
    Time debugger_time = 0; ///< in such stops
    uint64_t events = 0;
    uint64_t lost_events = 0;
    uint64_t samples = 0; ///< of threads; idle ones are not in it
    uint64_t idle_samples = 0;
    std::vector<CpuReport> cpus;
    std::vector<ThreadReport> threads;          ///< most CPU time first
    std::vector<FunctionReport> functions;      ///< most samples first
    std::vector<SystemCallReport> system_calls; ///< most total time first
    Latency wakeup;                             ///< all threads
    bool has_symbols = false;
};

/// `symbolizer` may be null: functions are addresses then.
Report make_report(const Timeline& timeline, Symbolizer* symbolizer);

/// The text that `uniscope report` prints; at most `rows` lines a table.
std::string to_text(const Report& report, size_t rows = 15);
nlohmann::json to_json(const Report& report);

/// "1.234 ms": four digits in a unit that fits.
std::string duration_text(Time ns);

} // namespace tracer
