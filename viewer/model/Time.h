#pragma once
// Time as the viewer counts it: whole nanoseconds since the first event of the trace. 64 bits hold 292 years, so no
// arithmetic below wraps, whatever the length of the recording.

#include <algorithm>
#include <cstdint>

namespace viewer {

using Time = std::int64_t;

/// [begin, end). Empty when both are equal.
struct TimeRange {
    Time begin = 0;
    Time end = 0;

    Time length() const { return end - begin; }
    bool empty() const { return end <= begin; }
    bool contains(Time t) const { return t >= begin && t < end; }
    bool overlaps(TimeRange other) const { return begin < other.end && other.begin < end; }
    TimeRange intersected(TimeRange other) const {
        Time b = std::max(begin, other.begin);
        return {b, std::max(b, std::min(end, other.end))};
    }
    bool operator==(const TimeRange&) const = default;
};

} // namespace viewer
