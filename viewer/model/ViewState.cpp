#include "viewer/model/ViewState.h"

#include <algorithm>

namespace viewer {

ViewState::ViewState(const Index& index, int width, int height)
    : m_width(width)
    , m_height(height)
    , m_whole(index.whole())
    , m_scale(m_whole, width - Geometry::gutter_width)
    , m_layout(index, {}) {}

void ViewState::resize(int width, int height) {
    m_width = width;
    m_height = height;
    m_scale = m_scale.with_width(width - Geometry::gutter_width);
    set_scroll(m_scroll);
}

void ViewState::set_filter(const Index& index, LaneFilter filter) {
    m_filter = std::move(filter);
    m_layout = LaneLayout(index, m_filter);
    hovered.reset();
    set_scroll(m_scroll);
}

int ViewState::max_scroll() const {
    return std::max(0, full_height() - m_height);
}

void ViewState::set_scroll(int scroll) {
    m_scroll = std::clamp(scroll, 0, max_scroll());
}

void ViewState::scroll_to(std::uint32_t lane) {
    const LaneRow* row = m_layout.row_of(lane);
    if (!row)
        return;
    int room = m_height - Geometry::header_height;
    if (row->y < m_scroll)
        set_scroll(row->y);
    else if (row->y + row->height > m_scroll + room)
        set_scroll(row->y + row->height - room);
}

void ViewState::zoom(double factor, double x, std::int64_t now_ms) {
    m_history.remember(visible(), now_ms);
    double inside = std::clamp(x - Geometry::gutter_width, 0.0, m_scale.width());
    m_scale = m_scale.zoomed(factor, inside, m_whole);
}

void ViewState::pan(double pixels, std::int64_t now_ms) {
    m_history.remember(visible(), now_ms);
    m_scale = m_scale.panned(pixels, m_whole);
}

void ViewState::show(TimeRange range, std::int64_t now_ms) {
    m_history.remember(visible(), now_ms);
    m_scale = TimeScale(TimeScale::clamped(range, m_whole), m_scale.width());
}

void ViewState::fit_selection(const Index& index, std::int64_t now_ms) {
    std::optional<TimeRange> range = marked;
    if (selected)
        range = index.interval(*selected).begin == index.interval(*selected).end
                    ? TimeRange{index.interval(*selected).begin - 500, index.interval(*selected).end + 500}
                    : index.track(*selected).range(selected->index);
    if (!range)
        return;
    Time room = range->length() / 10;
    show({range->begin - room, range->end + room}, now_ms);
}

bool ViewState::undo_zoom() {
    std::optional<TimeRange> range = m_history.undo();
    if (range)
        m_scale = TimeScale(*range, m_scale.width());
    return range.has_value();
}

std::optional<Pick> ViewState::pick(const Index& index, double x, double y) const {
    if (x < Geometry::gutter_width || y < Geometry::header_height)
        return std::nullopt;
    int lane_y = static_cast<int>(y) - Geometry::header_height + m_scroll;
    const LaneRow* row = m_layout.lane_at(lane_y);
    if (!row)
        return std::nullopt;
    for (const TrackRow& track_row : row->tracks) {
        if (lane_y < track_row.y || lane_y > track_row.y + track_row.height)
            continue;
        const Track& track = index.lanes()[row->lane].tracks[track_row.track].track;
        auto found = [&](std::uint32_t i) { return Pick{row->lane, track_row.track, i}; };
        bool is_points = index.lanes()[row->lane].tracks[track_row.track].role == TrackRole::Points;
        Time at = time_at(x);
        // What is wide under the pointer wins; else the longest within reach of it.
        std::uint32_t under = track.first_ending_after(at);
        if (under < track.size() && track.range(under).contains(at) &&
            m_scale.x_of(track.end(under)) - m_scale.x_of(track.begin(under)) >= 2)
            return found(under);
        double reach = is_points ? 4 : 1.5;
        std::uint32_t first = track.first_ending_after(time_at(x - reach));
        std::uint32_t last = track.first_beginning_at(time_at(x + reach) + 1, std::min(first, track.size()));
        if (first < last)
            return found(track.summary(first, last).representative);
    }
    return std::nullopt;
}

void ViewState::select_neighbour(const Index& index, int step, std::int64_t now_ms) {
    if (!selected)
        return;
    const Track& track = index.track(*selected);
    std::int64_t next = std::int64_t{selected->index} + step;
    if (next < 0 || next >= std::int64_t{track.size()})
        return;
    selected->index = static_cast<std::uint32_t>(next);
    reveal(track.range(selected->index), now_ms);
    scroll_to(selected->lane);
}

void ViewState::reveal(TimeRange range, std::int64_t now_ms) {
    Time length = visible().length();
    if (range.begin >= visible().begin && range.end <= visible().end)
        return;
    Time center = range.length() > length ? range.begin + length / 4 : range.begin + range.length() / 2;
    show({center - length / 2, center - length / 2 + length}, now_ms);
}

} // namespace viewer
