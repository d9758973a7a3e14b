#pragma once
// LaneLayout: where each shown lane and its tracks are, from the top of the lanes down, in logical pixels. A pure
// value, made anew when the filter changes.

#include "viewer/model/Index.h"
#include "viewer/model/LaneFilter.h"

#include <string>
#include <vector>

namespace viewer {

struct TrackRow {
    std::uint32_t track = 0;
    int y = 0;
    int height = 0;
};

struct LaneRow {
    std::uint32_t lane = 0;
    int y = 0;
    int height = 0;
    std::vector<TrackRow> tracks;
};

struct GroupRow {
    std::string title;
    int y = 0;
    int height = 0;
};

class LaneLayout {
public:
    LaneLayout() = default;
    LaneLayout(const Index& index, const LaneFilter& filter);

    const std::vector<LaneRow>& lanes() const { return m_lanes; }
    const std::vector<GroupRow>& groups() const { return m_groups; }
    int height() const { return m_height; }
    /// The lane at height `y`; null in the gaps between.
    const LaneRow* lane_at(int y) const;
    const LaneRow* row_of(std::uint32_t lane) const;

private:
    std::vector<LaneRow> m_lanes;
    std::vector<GroupRow> m_groups;
    int m_height = 0;
};

} // namespace viewer
