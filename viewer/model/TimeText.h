#pragma once
// Times and durations as text, and back.

#include "viewer/model/Time.h"

#include <expected>
#include <string>
#include <string_view>

namespace viewer {

/// A duration in the unit that fits it, four significant digits: "812 ns", "1.234 ms", "12.35 s", "2 min 05 s".
std::string duration_text(Time duration);

/// A point in time with just enough digits to tell it from `resolution` later: "1.2345 s", "812.4 µs".
std::string time_text(Time time, Time resolution);

/// "A..B" within `whole`; either side may be empty. A time is a number with an optional unit (s, the default, ms, us,
/// µs, ns), counted from the start of the trace. The error is a sentence.
std::expected<TimeRange, std::string> parse_time_range(std::string_view text, TimeRange whole);

} // namespace viewer
