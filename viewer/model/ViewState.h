#pragma once
// ViewState: everything that decides what a timeline looks like, besides the data: which times and lanes are visible,
// what is selected, hovered and marked. A value that paint() draws and that the widget, the headless renderer and the
// tests change through the same functions. All lengths are logical pixels.

#include "viewer/model/Index.h"
#include "viewer/model/LaneLayout.h"
#include "viewer/model/TimeScale.h"
#include "viewer/model/ZoomHistory.h"

#include <optional>

namespace viewer {

/// How the picture is divided: overview and ruler on top, the lanes' names on the left.
struct Geometry {
    static constexpr int overview_height = 40;
    static constexpr int ruler_height = 26;
    static constexpr int header_height = overview_height + ruler_height;
    static constexpr int gutter_width = 184;
};

class ViewState {
public:
    ViewState() = default;
    /// Shows all of `index`.
    ViewState(const Index& index, int width, int height);

    int width() const { return m_width; }
    int height() const { return m_height; }
    void resize(int width, int height);

    const TimeScale& scale() const { return m_scale; }
    TimeRange visible() const { return m_scale.visible(); }
    TimeRange whole() const { return m_whole; }
    const LaneLayout& layout() const { return m_layout; }
    const LaneFilter& filter() const { return m_filter; }
    void set_filter(const Index& index, LaneFilter filter);

    /// The height that shows every lane.
    int full_height() const { return Geometry::header_height + m_layout.height() + 8; }
    int scroll() const { return m_scroll; }
    int max_scroll() const;
    void set_scroll(int scroll);
    /// Scrolls as little as possible so that the lane is visible.
    void scroll_to(std::uint32_t lane);

    /// `x` is in the picture; `now_ms` any steady clock (see ZoomHistory).
    void zoom(double factor, double x, std::int64_t now_ms);
    /// Positive pixels show later times.
    void pan(double pixels, std::int64_t now_ms);
    void show(TimeRange range, std::int64_t now_ms);
    /// The selection, or else the marked range, with some room on both sides; nothing happens without one.
    void fit_selection(const Index& index, std::int64_t now_ms);
    void fit_all(std::int64_t now_ms) { show(m_whole, now_ms); }
    bool undo_zoom();

    double x_of(Time time) const { return Geometry::gutter_width + m_scale.x_of(time); }
    Time time_at(double x) const { return m_scale.time_at(x - Geometry::gutter_width); }

    /// The interval drawn at a point of the picture; among several folded into one pixel the longest.
    std::optional<Pick> pick(const Index& index, double x, double y) const;

    std::optional<Pick> selected;
    std::optional<Pick> hovered;
    double hover_x = 0;
    double hover_y = 0;
    bool is_pointer_inside = false;
    std::optional<TimeRange> marked;

    /// Selects the interval before or behind the selected one in its track and brings it into view.
    void select_neighbour(const Index& index, int step, std::int64_t now_ms);
    /// Moves the view, without zooming out, so that `range` is visible.
    void reveal(TimeRange range, std::int64_t now_ms);

private:
    int m_width = 1;
    int m_height = 1;
    TimeRange m_whole;
    TimeScale m_scale;
    LaneFilter m_filter;
    LaneLayout m_layout;
    int m_scroll = 0;
    ZoomHistory m_history;
};

} // namespace viewer
