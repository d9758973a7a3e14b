#pragma once
// IndexBuilder makes an Index, lane by lane. For Index::build() only.

#include "viewer/model/Index.h"

namespace viewer {

class IndexBuilder {
public:
    IndexBuilder(std::shared_ptr<const tracer::Timeline> timeline, std::string title);

    /// Null if `progress` cancelled it.
    std::shared_ptr<const Index> build(const Index::Progress& progress);

private:
    /// The app's threads before the kernel's, each by tid.
    std::vector<tracer::ThreadIndex> threads_in_order() const;
    void find_points();
    void name_threads();
    Lane cpu_lane(const tracer::CpuLane& cpu);
    Lane thread_lane(tracer::ThreadIndex thread);
    Track running_track(const tracer::CpuLane& cpu);
    void add_interrupts(const tracer::CpuLane& cpu, Lane& lane);
    Track state_track(const tracer::ThreadLane& thread);
    Track call_track(const tracer::ThreadLane& thread);
    void measure_utilisation();
    std::uint32_t system_call_label(std::uint32_t number);

    const tracer::Timeline& m_timeline;
    std::shared_ptr<Index> m_index;
    std::vector<std::uint32_t> m_thread_labels;
    std::vector<std::uint32_t> m_type_labels;
    std::vector<Color> m_type_colors;
    std::vector<Track> m_cpu_points; // by CPU number
};

} // namespace viewer
