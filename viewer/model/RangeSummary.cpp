#include "viewer/model/RangeSummary.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace viewer {
namespace {

std::vector<CallShare> calls_in(const Index& index, TimeRange range) {
    const tracer::SystemCalls& calls = index.timeline().system_calls();
    std::map<std::uint32_t, std::vector<Time>> durations;
    auto first = std::lower_bound(calls.begin.begin(), calls.begin.end(), range.begin);
    auto last = std::lower_bound(first, calls.begin.end(), range.end);
    for (auto it = first; it != last; ++it) {
        auto i = static_cast<size_t>(it - calls.begin.begin());
        durations[calls.number[i]].push_back(calls.end[i] - calls.begin[i]);
    }
    std::vector<CallShare> shares;
    for (auto& [number, times] : durations) {
        CallShare share{.name = tracer::system_call_name(number), .count = times.size()};
        for (Time time : times)
            share.total += time;
        auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
        std::nth_element(times.begin(), middle, times.end());
        share.median = *middle;
        share.longest = *std::max_element(times.begin(), times.end());
        shares.push_back(std::move(share));
    }
    std::sort(shares.begin(), shares.end(), [](const auto& a, const auto& b) { return a.total > b.total; });
    return shares;
}

} // namespace

RangeSummary summarise(const Index& index, TimeRange range) {
    const tracer::Timeline& timeline = index.timeline();
    RangeSummary summary;
    summary.range = range;
    size_t first = timeline.first_event_at(range.begin);
    size_t last = timeline.first_event_at(range.end);
    summary.events = last - first;
    for (const tracer::Loss& loss : timeline.losses()) {
        if (range.overlaps({loss.begin, loss.end + 1}))
            summary.lost += loss.count;
    }
    summary.stopped = range.length() - timeline.running_time(range.begin, range.end);
    for (const Lane& lane : index.lanes()) {
        if (lane.kind == Lane::Kind::Cpu) {
            double busy = static_cast<double>(lane.tracks.front().track.covered(range));
            summary.cpu_use.push_back(busy / static_cast<double>(std::max<Time>(range.length(), 1)));
        } else if (Time running = lane.tracks.front().track.covered_by_counted(range)) {
            summary.threads.push_back({lane.number, running});
        }
    }
    std::sort(summary.threads.begin(), summary.threads.end(), [](const auto& a, const auto& b) {
        return std::pair(b.running, a.thread) < std::pair(a.running, b.thread);
    });
    summary.calls = calls_in(index, range);
    std::vector<std::uint64_t> counts(timeline.schema().types().size());
    for (size_t row = first; row < last; ++row)
        ++counts[timeline.events().type[row]];
    for (size_t type = 0; type < counts.size(); ++type) {
        if (counts[type] > 0)
            summary.types.push_back({timeline.schema().types()[type].name, counts[type]});
    }
    std::sort(summary.types.begin(), summary.types.end(),
              [](const auto& a, const auto& b) { return std::tie(b.count, a.name) < std::tie(a.count, b.name); });
    return summary;
}

} // namespace viewer
