#pragma once
// Index: a tracer::Timeline made ready to draw: its lanes as tracks with mipmaps. An immutable snapshot; build() runs
// on any thread, and the result is read by any number of them without locks.

#include "tracer/analysis/Timeline.h"
#include "viewer/model/Lane.h"
#include "viewer/model/StringTable.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace viewer {

class Index {
public:
    /// Told a share from 0 to 1 now and then; false cancels.
    using Progress = std::function<bool(double)>;

    /// Null if `progress` cancelled it. `title` is what the window is called after: the trace's path or instance.
    static std::shared_ptr<const Index> build(std::shared_ptr<const tracer::Timeline> timeline, std::string title,
                                              const Progress& progress = {});

    const tracer::Timeline& timeline() const { return *m_timeline; }
    const std::string& title() const { return m_title; }
    /// From the first event to just behind the last one.
    TimeRange whole() const { return m_whole; }
    /// CPUs by number, then the app's threads by tid, then the kernel's.
    const std::vector<Lane>& lanes() const { return m_lanes; }
    const StringTable& labels() const { return m_labels; }
    /// The lane of a thread; lanes().size() if it has none.
    std::uint32_t lane_of_thread(tracer::ThreadIndex thread) const;
    /// For each type of the schema: is it drawn as a point, because no interval stands for it?
    const std::vector<bool>& is_point() const { return m_is_point; }

    /// Share of all CPUs' time that was busy, for equal parts of the whole: what the overview draws.
    const std::vector<float>& utilisation() const { return m_utilisation; }

    const Track& track(Pick pick) const { return m_lanes[pick.lane].tracks[pick.track].track; }
    TrackRole role(Pick pick) const { return m_lanes[pick.lane].tracks[pick.track].role; }
    Interval interval(Pick pick) const { return track(pick).at(pick.index); }
    const std::string& label(Pick pick) const { return m_labels.text(track(pick).label(pick.index)); }

private:
    friend class IndexBuilder;
    Index() = default;

    std::shared_ptr<const tracer::Timeline> m_timeline;
    std::string m_title;
    TimeRange m_whole;
    std::vector<Lane> m_lanes;
    std::vector<std::uint32_t> m_thread_lanes; // by ThreadIndex
    StringTable m_labels;
    std::vector<bool> m_is_point;
    std::vector<float> m_utilisation;
};

} // namespace viewer
