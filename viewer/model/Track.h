#pragma once
// Track: one row of intervals in order of time, none overlapping the next, as columns with a Mipmap on top. A state
// strip, one depth of nested calls, and a row of points (intervals of no length) are all tracks, so that zooming out
// costs the same for each of them.
//
// Built by one thread with append() and finish(); const afterwards and readable from any thread.
// Memory: 25 bytes an interval, and 0.5 for the mipmap.

#include "viewer/model/Color.h"
#include "viewer/model/Mipmap.h"
#include "viewer/model/Time.h"

#include <cstdint>
#include <vector>

namespace viewer {

struct Interval {
    Time begin = 0;
    Time end = 0;
    std::uint32_t label = 0; // in the snapshot's string table
    Color color = Color::None;
    std::uint32_t source = 0; // what it was made from: its place in the timeline's table that the track stands for
};

class Track {
public:
    /// Intervals arrive in order of time. What overlaps its predecessor is cut to start where that ends: a damaged
    /// trace must not break the order that every search relies on.
    void append(Interval interval);
    /// Builds the mipmap, and what covered_by_counted() needs for one colour. Call once, after the last append().
    void finish(Color counted = Color::None);

    std::uint32_t size() const { return static_cast<std::uint32_t>(m_begin.size()); }
    bool empty() const { return m_begin.empty(); }
    Interval at(std::uint32_t i) const;
    Time begin(std::uint32_t i) const { return m_begin[i]; }
    Time end(std::uint32_t i) const { return m_end[i]; }
    Color color(std::uint32_t i) const { return m_color[i]; }
    std::uint32_t label(std::uint32_t i) const { return m_label[i]; }
    std::uint32_t source(std::uint32_t i) const { return m_source[i]; }
    TimeRange range(std::uint32_t i) const { return {m_begin[i], m_end[i]}; }

    /// First interval that ends after `t`, or is a point at or after it; size() if there is none. O(log n).
    std::uint32_t first_ending_after(Time t) const;
    /// First interval, from `from` on, that begins at or after `t`. Gallops: O(log distance).
    std::uint32_t first_beginning_at(Time t, std::uint32_t from = 0) const;

    /// What [first, last) adds up to. O(64 log n).
    Summary summary(std::uint32_t first, std::uint32_t last) const;
    /// Nanoseconds of `range` that intervals cover. O(64 log n).
    Time covered(TimeRange range) const;
    /// Of those, the nanoseconds of the colour that finish() was told. O(64 + log n).
    Time covered_by_counted(TimeRange range) const;

private:
    /// Nanoseconds of the counted colour before `t`.
    Time counted_until(Time t) const;

    std::vector<Time> m_begin;
    std::vector<Time> m_end;
    std::vector<std::uint32_t> m_label;
    std::vector<std::uint32_t> m_source;
    std::vector<Color> m_color;
    Color m_counted = Color::None;
    std::vector<Time> m_counted_before; // of each block of 64: nanoseconds of m_counted in all blocks before it
    Mipmap m_mipmap;
};

} // namespace viewer
