#include "viewer/model/Details.h"

#include "viewer/model/TimeText.h"

#include <cstring>
#include <fmt/format.h>

namespace viewer {
namespace {

std::string thread_text(const tracer::Timeline& timeline, tracer::ThreadIndex thread) {
    if (thread == tracer::no_thread)
        return "idle";
    return fmt::format("{} (tid {})", timeline.thread_label(thread), timeline.threads()[thread].tid);
}

void add_fields(const tracer::Timeline& timeline, std::uint32_t row, std::vector<Detail>& rows) {
    const tracer::EventType& type = timeline.event_type(row);
    auto payload = timeline.payload(row);
    for (size_t i = 0; i < type.fields.size(); ++i)
        rows.push_back({type.fields[i].name, type.text(i, payload)});
}

void describe_running(const tracer::Timeline& timeline, const Lane& lane, std::uint32_t source, Details& details) {
    for (const tracer::CpuLane& cpu : timeline.cpus()) {
        if (cpu.cpu == lane.number)
            details.rows.push_back({"thread", thread_text(timeline, cpu.running.value(source))});
    }
    details.rows.push_back({"on", lane.name});
}

void describe_interrupt(const tracer::Timeline& timeline, const Lane& lane, std::uint32_t source, Details& details) {
    for (const tracer::CpuLane& cpu : timeline.cpus()) {
        if (cpu.cpu != lane.number)
            continue;
        const tracer::InterruptValue& value = cpu.interrupts.value[source];
        if (value.kind == tracer::InterruptKind::PageFault)
            details.rows.push_back({"address", fmt::format("{:#x}", value.detail)});
        else
            details.rows.push_back({"vector", fmt::format("{}", value.detail)});
    }
    details.rows.push_back({"on", lane.name});
}

void describe_state(const tracer::Timeline& timeline, const Lane& lane, std::uint32_t source, Details& details) {
    const auto& states = timeline.thread_lanes()[lane.number].states;
    const tracer::ThreadStep& step = states.value(source);
    details.rows.push_back({"thread", thread_text(timeline, lane.number)});
    if (step.state == tracer::ThreadState::Running)
        details.rows.push_back({"on", fmt::format("CPU {}", step.cpu)});
    if (step.state == tracer::ThreadState::Blocked && step.system_call != tracer::no_system_call)
        details.rows.push_back({"blocked in", tracer::system_call_name(step.system_call)});
    if (step.state != tracer::ThreadState::Runnable)
        return;
    details.rows.push_back({"because", step.woken ? "woken, waits for a CPU" : "preempted"});
    if (!step.woken)
        return;
    const tracer::Wakeups& wakeups = timeline.wakeups();
    auto at = std::lower_bound(wakeups.time.begin(), wakeups.time.end(), states.begin(source));
    for (; at != wakeups.time.end() && *at == states.begin(source); ++at) {
        auto i = static_cast<size_t>(at - wakeups.time.begin());
        if (wakeups.thread[i] == lane.number)
            details.rows.push_back({"woken by", wakeups.waker[i] == tracer::no_thread
                                                    ? "an interrupt"
                                                    : thread_text(timeline, wakeups.waker[i])});
    }
}

void describe_call(const tracer::Timeline& timeline, std::uint32_t call, Details& details) {
    const tracer::SystemCalls& calls = timeline.system_calls();
    details.rows.push_back({"thread", thread_text(timeline, calls.thread[call])});
    if (!calls.is_finished[call]) {
        details.rows.push_back({"result", "had not returned when the recording ended"});
    } else {
        std::int64_t result = calls.result[call];
        std::string name = result < 0 ? error_name(-result) : "";
        details.rows.push_back({"result", name.empty() ? fmt::format("{}", result) : fmt::format("-1 {}", name)});
    }
    if (calls.entry_row[call] == tracer::no_row)
        details.rows.push_back({"arguments", "the entry's event was lost"});
    else
        add_fields(timeline, calls.entry_row[call], details.rows);
}

} // namespace

std::string error_name(std::int64_t error) {
    if (error <= 0 || error > 133)
        return {};
    const char* name = strerrorname_np(static_cast<int>(error));
    return name ? name : "";
}

Details details_of_event(const Index& index, std::uint32_t row) {
    const tracer::Timeline& timeline = index.timeline();
    const tracer::Events& events = timeline.events();
    Details details{timeline.event_type(row).name, {events.time[row], events.time[row]}, {}};
    details.rows.push_back({"thread", thread_text(timeline, events.thread[row])});
    details.rows.push_back({"on", fmt::format("CPU {}", events.cpu[row])});
    add_fields(timeline, row, details.rows);
    return details;
}

Details details_of(const Index& index, Pick pick) {
    const Interval interval = index.interval(pick);
    const Lane& lane = index.lanes()[pick.lane];
    const tracer::Timeline& timeline = index.timeline();
    Details details{index.label(pick), {interval.begin, interval.end}, {}};
    switch (index.role(pick)) {
    case TrackRole::Running:
        describe_running(timeline, lane, interval.source, details);
        break;
    case TrackRole::Interrupts:
        describe_interrupt(timeline, lane, interval.source, details);
        break;
    case TrackRole::State:
        describe_state(timeline, lane, interval.source, details);
        break;
    case TrackRole::Calls:
        describe_call(timeline, interval.source, details);
        break;
    case TrackRole::Points:
        return details_of_event(index, interval.source);
    }
    return details;
}

} // namespace viewer
