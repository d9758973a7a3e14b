#include "viewer/model/Index.h"

#include "viewer/model/IndexBuilder.h"

namespace viewer {

std::shared_ptr<const Index> Index::build(std::shared_ptr<const tracer::Timeline> timeline, std::string title,
                                          const Progress& progress) {
    return IndexBuilder(std::move(timeline), std::move(title)).build(progress);
}

std::uint32_t Index::lane_of_thread(tracer::ThreadIndex thread) const {
    return thread < m_thread_lanes.size() ? m_thread_lanes[thread] : static_cast<std::uint32_t>(m_lanes.size());
}

} // namespace viewer
