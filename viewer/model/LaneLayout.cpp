#include "viewer/model/LaneLayout.h"

#include <algorithm>
#include <fmt/format.h>

namespace viewer {
namespace {

constexpr int group_height = 22;
constexpr int lane_padding = 4;
constexpr int track_gap = 1;

int height_of(TrackRole role) {
    switch (role) {
    case TrackRole::Running:
        return 20;
    case TrackRole::Interrupts:
        return 7;
    case TrackRole::State:
        return 8;
    case TrackRole::Calls:
        return 18;
    case TrackRole::Points:
        return 13;
    }
    return 0;
}

} // namespace

LaneLayout::LaneLayout(const Index& index, const LaneFilter& filter) {
    int y = 0;
    auto add_group = [&](Lane::Kind kind, const char* title) {
        size_t shown = 0;
        size_t all = 0;
        size_t group = m_groups.size();
        for (std::uint32_t i = 0; i < index.lanes().size(); ++i) {
            const Lane& lane = index.lanes()[i];
            if (lane.kind != kind)
                continue;
            ++all;
            if (!filter.shows(lane, i))
                continue;
            if (shown++ == 0) {
                m_groups.push_back({{}, y, group_height});
                y += group_height;
            }
            LaneRow row{.lane = i, .y = y, .height = 0, .tracks = {}};
            int track_y = y + lane_padding;
            for (std::uint32_t t = 0; t < lane.tracks.size(); ++t) {
                int height = height_of(lane.tracks[t].role);
                row.tracks.push_back({t, track_y, height});
                track_y += height + track_gap;
            }
            // Room for the name, also beside a lane with only a state.
            row.height = std::max(track_y - track_gap + lane_padding - y, 26);
            y += row.height;
            m_lanes.push_back(std::move(row));
        }
        if (shown > 0)
            m_groups[group].title =
                shown == all ? fmt::format("{} ({})", title, all) : fmt::format("{} ({} of {})", title, shown, all);
    };
    add_group(Lane::Kind::Cpu, "CPUs");
    add_group(Lane::Kind::Thread, "Threads");
    m_height = y;
}

const LaneRow* LaneLayout::lane_at(int y) const {
    auto after =
        std::upper_bound(m_lanes.begin(), m_lanes.end(), y, [](int v, const LaneRow& row) { return v < row.y; });
    if (after == m_lanes.begin())
        return nullptr;
    const LaneRow& row = *(after - 1);
    return y < row.y + row.height ? &row : nullptr;
}

const LaneRow* LaneLayout::row_of(std::uint32_t lane) const {
    auto found = std::lower_bound(m_lanes.begin(), m_lanes.end(), lane,
                                  [](const LaneRow& row, std::uint32_t v) { return row.lane < v; });
    return found != m_lanes.end() && found->lane == lane ? &*found : nullptr;
}

} // namespace viewer
