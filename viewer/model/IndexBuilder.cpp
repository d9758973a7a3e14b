#include "viewer/model/IndexBuilder.h"

#include "tracer/analysis/CoreEvents.h"
#include "viewer/model/TimeScale.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <tuple>

namespace viewer {
namespace {

Color color_of(tracer::ThreadState state) {
    switch (state) {
    case tracer::ThreadState::Running:
        return Color::Running;
    case tracer::ThreadState::Runnable:
        return Color::Runnable;
    case tracer::ThreadState::Blocked:
    case tracer::ThreadState::Stopped:
        return Color::Blocked;
    case tracer::ThreadState::Unknown:
    case tracer::ThreadState::Exited:
        break;
    }
    return Color::None;
}

} // namespace

IndexBuilder::IndexBuilder(std::shared_ptr<const tracer::Timeline> timeline, std::string title)
    : m_timeline(*timeline)
    , m_index(new Index) {
    m_index->m_timeline = std::move(timeline);
    m_index->m_title = std::move(title);
    m_index->m_whole = {0, std::max<Time>(m_timeline.end() + 1, TimeScale::min_span)};
}

std::shared_ptr<const Index> IndexBuilder::build(const Index::Progress& progress) {
    find_points();
    name_threads();
    const size_t lane_count = m_timeline.cpus().size() + m_timeline.threads().size();
    auto go_on = [&] {
        double share = static_cast<double>(m_index->m_lanes.size()) / static_cast<double>(lane_count);
        return !progress || progress(share);
    };
    for (const tracer::CpuLane& cpu : m_timeline.cpus()) {
        if (!go_on())
            return nullptr;
        m_index->m_lanes.push_back(cpu_lane(cpu));
    }
    m_index->m_thread_lanes.resize(m_timeline.threads().size());
    for (tracer::ThreadIndex thread : threads_in_order()) {
        if (!go_on())
            return nullptr;
        m_index->m_thread_lanes[thread] = static_cast<std::uint32_t>(m_index->m_lanes.size());
        m_index->m_lanes.push_back(thread_lane(thread));
    }
    measure_utilisation();
    return m_index;
}

std::vector<tracer::ThreadIndex> IndexBuilder::threads_in_order() const {
    const auto& threads = m_timeline.threads();
    std::vector<tracer::ThreadIndex> order(threads.size());
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), [&](tracer::ThreadIndex a, tracer::ThreadIndex b) {
        return std::tuple(threads[a].is_kernel, threads[a].tid, a) <
               std::tuple(threads[b].is_kernel, threads[b].tid, b);
    });
    return order;
}

void IndexBuilder::find_points() {
    const auto& types = m_timeline.schema().types();
    std::vector<tracer::CoreEventType> core = tracer::classify(m_timeline.schema());
    for (size_t type = 0; type < types.size(); ++type) {
        // Scheduling, system calls, interrupts and stops are intervals already; their events would only hide the rest.
        m_index->m_is_point.push_back(core[type].event == tracer::CoreEvent::Other);
        m_type_labels.push_back(m_index->m_labels.intern(types[type].name));
        m_type_colors.push_back(color_of_name(types[type].name));
    }
    // Points of CPUs in one pass over the table, instead of one a lane.
    const tracer::Events& events = m_timeline.events();
    m_cpu_points.resize(m_timeline.cpus().size());
    for (std::uint32_t row = 0; row < events.size(); ++row) {
        std::uint16_t type = events.type[row];
        if (!m_index->m_is_point[type] || events.thread[row] != tracer::no_thread)
            continue;
        for (size_t i = 0; i < m_cpu_points.size(); ++i) {
            if (m_timeline.cpus()[i].cpu == events.cpu[row])
                m_cpu_points[i].append({.begin = events.time[row],
                                        .end = events.time[row],
                                        .label = m_type_labels[type],
                                        .color = m_type_colors[type],
                                        .source = row});
        }
    }
}

void IndexBuilder::name_threads() {
    for (tracer::ThreadIndex thread = 0; thread < m_timeline.threads().size(); ++thread)
        m_thread_labels.push_back(m_index->m_labels.intern(m_timeline.thread_label(thread)));
}

std::uint32_t IndexBuilder::system_call_label(std::uint32_t number) {
    return m_index->m_labels.intern(tracer::system_call_name(number));
}

Lane IndexBuilder::cpu_lane(const tracer::CpuLane& cpu) {
    Lane lane{.kind = Lane::Kind::Cpu,
              .number = cpu.cpu,
              .name = fmt::format("CPU {}", cpu.cpu),
              .note = {},
              .color = Color::None,
              .tracks = {}};
    lane.tracks.push_back({TrackRole::Running, running_track(cpu)});
    add_interrupts(cpu, lane);
    Track& points = m_cpu_points[static_cast<size_t>(&cpu - m_timeline.cpus().data())];
    if (!points.empty()) {
        points.finish();
        lane.tracks.push_back({TrackRole::Points, std::move(points)});
    }
    return lane;
}

Track IndexBuilder::running_track(const tracer::CpuLane& cpu) {
    Track track;
    for (size_t i = 0; i < cpu.running.size(); ++i) {
        tracer::ThreadIndex thread = cpu.running.value(i);
        if (thread == tracer::no_thread)
            continue;
        track.append({.begin = cpu.running.begin(i),
                      .end = cpu.running.end(i),
                      .label = m_thread_labels[thread],
                      .color = hue(thread),
                      .source = static_cast<std::uint32_t>(i)});
    }
    track.finish();
    return track;
}

void IndexBuilder::add_interrupts(const tracer::CpuLane& cpu, Lane& lane) {
    // One track a depth, so that no track has intervals inside of each other.
    std::vector<Track> by_depth;
    std::uint32_t fault_label = m_index->m_labels.intern("page fault");
    for (size_t i = 0; i < cpu.interrupts.size(); ++i) {
        const tracer::InterruptValue& value = cpu.interrupts.value[i];
        if (value.depth >= by_depth.size())
            by_depth.resize(value.depth + 1u);
        bool is_fault = value.kind == tracer::InterruptKind::PageFault;
        by_depth[value.depth].append(
            {.begin = cpu.interrupts.begin[i],
             .end = cpu.interrupts.end[i],
             .label = is_fault ? fault_label : m_index->m_labels.intern(fmt::format("irq {}", value.detail)),
             .color = is_fault ? Color::PageFault : Color::Interrupt,
             .source = static_cast<std::uint32_t>(i)});
    }
    for (Track& track : by_depth) {
        track.finish();
        lane.tracks.push_back({TrackRole::Interrupts, std::move(track)});
    }
}

Lane IndexBuilder::thread_lane(tracer::ThreadIndex thread) {
    const tracer::Thread& info = m_timeline.threads()[thread];
    Lane lane{.kind = Lane::Kind::Thread,
              .number = thread,
              .name = m_timeline.thread_label(thread),
              .note = fmt::format("{}tid {}", info.is_kernel ? "kernel · " : "", info.tid),
              .color = hue(thread),
              .tracks = {}};
    const tracer::ThreadLane& source = m_timeline.thread_lanes()[thread];
    lane.tracks.push_back({TrackRole::State, state_track(source)});
    Track calls = call_track(source);
    if (!calls.empty())
        lane.tracks.push_back({TrackRole::Calls, std::move(calls)});

    Track points;
    for (std::uint32_t row : source.events) {
        std::uint16_t type = m_timeline.events().type[row];
        if (m_index->m_is_point[type])
            points.append({.begin = m_timeline.events().time[row],
                           .end = m_timeline.events().time[row],
                           .label = m_type_labels[type],
                           .color = m_type_colors[type],
                           .source = row});
    }
    if (!points.empty()) {
        points.finish();
        lane.tracks.push_back({TrackRole::Points, std::move(points)});
    }
    return lane;
}

Track IndexBuilder::state_track(const tracer::ThreadLane& thread) {
    Track track;
    for (size_t i = 0; i < thread.states.size(); ++i) {
        tracer::ThreadState state = thread.states.value(i).state;
        Color color = color_of(state);
        if (color == Color::None)
            continue;
        track.append({.begin = thread.states.begin(i),
                      .end = thread.states.end(i),
                      .label = m_index->m_labels.intern(to_string(state)),
                      .color = color,
                      .source = static_cast<std::uint32_t>(i)});
    }
    track.finish(Color::Running);
    return track;
}

Track IndexBuilder::call_track(const tracer::ThreadLane& thread) {
    Track track;
    const tracer::SystemCalls& calls = m_timeline.system_calls();
    for (std::uint32_t call : thread.system_calls) {
        std::uint32_t label = system_call_label(calls.number[call]);
        track.append({.begin = calls.begin[call],
                      .end = calls.end[call],
                      .label = label,
                      .color = color_of_name(m_index->m_labels.text(label)),
                      .source = call});
    }
    track.finish();
    return track;
}

void IndexBuilder::measure_utilisation() {
    constexpr Time parts = 2048;
    const Time length = m_index->m_whole.length();
    m_index->m_utilisation.assign(parts, 0);
    for (Time part = 0; part < parts; ++part) {
        // In 128 bits: length * parts can pass 63.
        auto edge = [&](Time n) { return static_cast<Time>(static_cast<__int128>(length) * n / parts); };
        TimeRange range{edge(part), edge(part + 1)};
        if (range.empty())
            continue;
        Time busy = 0;
        for (size_t cpu = 0; cpu < m_timeline.cpus().size(); ++cpu)
            busy += m_index->m_lanes[cpu].tracks.front().track.covered(range);
        double available = static_cast<double>(range.length()) * static_cast<double>(m_timeline.cpus().size());
        m_index->m_utilisation[static_cast<size_t>(part)] = static_cast<float>(static_cast<double>(busy) / available);
    }
}

} // namespace viewer
