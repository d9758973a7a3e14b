#include "tracer/analysis/Report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_map>

namespace tracer {

Latency latency_of(std::vector<Time> durations) {
    Latency result;
    result.count = durations.size();
    if (durations.empty())
        return result;
    std::ranges::sort(durations);
    auto percentile = [&](double share) {
        auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(durations.size())));
        return durations[std::clamp<size_t>(rank, 1, durations.size()) - 1];
    };
    result.p50 = percentile(0.50);
    result.p90 = percentile(0.90);
    result.p99 = percentile(0.99);
    result.max = durations.back();
    for (Time duration : durations)
        result.total += duration;
    return result;
}

static std::vector<CpuReport> cpu_reports(const Timeline& timeline) {
    std::vector<CpuReport> result;
    for (const auto& lane : timeline.cpus()) {
        CpuReport cpu{.cpu = lane.cpu, .busy = 0, .seen = 0, .switches = 0, .lost_events = 0};
        cpu.seen = timeline.running_time(lane.running.empty() ? 0 : lane.running.begin(0), timeline.end());
        for (size_t i = 0; i < lane.running.size(); ++i)
            if (lane.running.value(i) != no_thread)
                cpu.busy += timeline.running_time(lane.running.begin(i), lane.running.end(i));
        cpu.switches = lane.running.empty() ? 0 : lane.running.size() - 1;
        for (const auto& loss : timeline.losses())
            if (loss.cpu == lane.cpu)
                cpu.lost_events += loss.count;
        result.push_back(cpu);
    }
    return result;
}

static void add_thread_reports(Report& report, const Timeline& timeline) {
    std::vector<Time> all_wakeups;
    for (ThreadIndex index = 0; index < timeline.threads().size(); ++index) {
        const auto& thread = timeline.threads()[index];
        const auto& lane = timeline.thread_lanes()[index];
        ThreadReport entry;
        entry.tid = thread.tid;
        entry.name = timeline.thread_label(index);
        entry.is_kernel = thread.is_kernel;
        entry.system_calls = lane.system_calls.size();
        std::vector<Time> wakeups;
        for (size_t i = 0; i < lane.states.size(); ++i) {
            Time duration = timeline.running_time(lane.states.begin(i), lane.states.end(i));
            const auto& step = lane.states.value(i);
            switch (step.state) {
            case ThreadState::Running:
                entry.running += duration;
                break;
            case ThreadState::Runnable:
                entry.runnable += duration;
                if (step.woken && i + 1 < lane.states.size())
                    wakeups.push_back(duration);
                break;
            case ThreadState::Blocked:
                entry.blocked += duration;
                break;
            case ThreadState::Unknown:
            case ThreadState::Stopped:
            case ThreadState::Exited:
                break;
            }
        }
        all_wakeups.insert(all_wakeups.end(), wakeups.begin(), wakeups.end());
        entry.wakeup = latency_of(std::move(wakeups));
        report.threads.push_back(std::move(entry));
    }
    std::ranges::stable_sort(report.threads, std::greater<>(), &ThreadReport::running);
    report.wakeup = latency_of(std::move(all_wakeups));
}

static void add_function_reports(Report& report, const Timeline& timeline, Symbolizer* symbolizer) {
    std::unordered_map<uint64_t, uint64_t> addresses;
    const auto& samples = timeline.samples();
    for (size_t i = 0; i < samples.size(); ++i) {
        if (samples.thread[i] == no_thread) {
            ++report.idle_samples;
            continue;
        }
        ++report.samples;
        ++addresses[samples.ip[i]];
    }
    struct Line {
        std::string file;
        uint32_t line;
        auto operator<=>(const Line&) const = default;
    };
    struct Sum {
        uint64_t samples = 0;
        std::map<Line, uint64_t> lines;
    };
    std::map<std::string, Sum> functions;
    for (const auto& [address, count] : addresses) {
        SourceFrame frame{.function = fmt::format("{:#x}", address), .file = {}, .line = 0, .is_inlined = false};
        if (symbolizer)
            frame = symbolizer->find(address).front();
        auto& sum = functions[frame.function];
        sum.samples += count;
        sum.lines[{frame.file, frame.line}] += count;
    }
    for (const auto& [name, sum] : functions) {
        auto hottest = std::ranges::max_element(sum.lines, {}, [](const auto& entry) { return entry.second; });
        report.functions.push_back(
            {.function = name, .file = hottest->first.file, .line = hottest->first.line, .samples = sum.samples});
    }
    std::ranges::stable_sort(report.functions, std::greater<>(), &FunctionReport::samples);
}

static void add_system_call_reports(Report& report, const Timeline& timeline) {
    const auto& calls = timeline.system_calls();
    struct Sum {
        std::vector<Time> durations;
        uint64_t errors = 0;
        uint64_t unfinished = 0;
    };
    std::map<uint32_t, Sum> sums;
    for (size_t i = 0; i < calls.size(); ++i) {
        auto& sum = sums[calls.number[i]];
        if (calls.is_finished[i] == 0) {
            ++sum.unfinished;
            continue;
        }
        sum.durations.push_back(timeline.running_time(calls.begin[i], calls.end[i]));
        // The range of Linux's error results: include/linux/err.h, MAX_ERRNO.
        if (calls.result[i] < 0 && calls.result[i] >= -4095)
            ++sum.errors;
    }
    for (auto& [number, sum] : sums)
        report.system_calls.push_back({.name = system_call_name(number),
                                       .latency = latency_of(std::move(sum.durations)),
                                       .errors = sum.errors,
                                       .unfinished = sum.unfinished});
    std::ranges::stable_sort(report.system_calls, std::greater<>(),
                             [](const SystemCallReport& call) { return call.latency.total; });
}

Report make_report(const Timeline& timeline, Symbolizer* symbolizer) {
    Report report;
    report.identity = timeline.identity();
    report.origin_ns = timeline.origin_ns();
    report.duration = timeline.running_time(0, timeline.end());
    report.debugger_time = timeline.end() - report.duration;
    report.events = timeline.events().size();
    report.lost_events = timeline.lost_events();
    report.has_symbols = symbolizer != nullptr;
    report.cpus = cpu_reports(timeline);
    add_thread_reports(report, timeline);
    add_function_reports(report, timeline, symbolizer);
    add_system_call_reports(report, timeline);
    return report;
}

} // namespace tracer
