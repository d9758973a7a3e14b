#pragma once
// From a track and a time scale to what is drawn: wide intervals one by one, narrow ones folded into pixel columns.

#include "viewer/model/TimeScale.h"
#include "viewer/model/Track.h"

#include <vector>

namespace viewer {

/// One thing to draw. Its edges are whole pixels of the scale's width.
struct Span {
    int x0 = 0;
    int x1 = 0;
    std::uint32_t index = no_interval; // the interval, or the longest of the folded ones
    std::uint32_t count = 1;           // more than one: folded
    Color color = Color::None;
    float coverage = 1; // share of the pixel's time that is covered
};

/// Replaces `out`. Intervals of at least two pixels get a span of their own; the others of a pixel column share one.
/// A column of more than 64 intervals ends at the next block edge of the mipmap, which moves its boundary by less than
/// a block. Cost: O(width · 64 log n) at worst, whatever the length of the track.
void layout_track(const Track& track, const TimeScale& scale, std::vector<Span>& out);

} // namespace viewer
