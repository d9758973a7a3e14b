#pragma once
// TimeScale: which time is at which pixel. A pure value; the only place where times become coordinates.
//
// A coordinate is computed from the difference to the left edge, which is taken in whole nanoseconds before it becomes
// a double: a view of 100 ns is as exact at hour 30 of a recording as at its start.

#include "viewer/model/Time.h"

namespace viewer {

class TimeScale {
public:
    /// The narrowest view that zooming reaches.
    static constexpr Time min_span = 100;

    TimeScale() = default;
    TimeScale(TimeRange visible, double width);

    TimeRange visible() const { return m_visible; }
    double width() const { return m_width; }
    double nanoseconds_per_pixel() const { return static_cast<double>(m_visible.length()) / m_width; }

    double x_of(Time time) const { return static_cast<double>(time - m_visible.begin) / nanoseconds_per_pixel(); }
    /// The last nanosecond that starts at or left of `x`.
    Time time_at(double x) const;

    /// The same times on another width.
    TimeScale with_width(double width) const { return {m_visible, width}; }
    /// `factor` > 1 shows more detail; the time under `x` stays where it is. Never leaves `whole`.
    TimeScale zoomed(double factor, double x, TimeRange whole) const;
    /// Positive pixels show later times. Never leaves `whole`.
    TimeScale panned(double pixels, TimeRange whole) const;

    /// `range` made to fit: inside `whole`, not narrower than `min_span` (where `whole` allows), its centre kept.
    static TimeRange clamped(TimeRange range, TimeRange whole);

private:
    TimeRange m_visible{0, min_span};
    double m_width = 1;
};

} // namespace viewer
