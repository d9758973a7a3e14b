#pragma once
// Search: the next interval or point in the shown lanes whose name has a text in it.

#include "viewer/model/Index.h"
#include "viewer/model/LaneLayout.h"

#include <optional>
#include <string_view>

namespace viewer {

/// The first one in order of time behind `from` (before it, if `backwards`), or, when there is none, from the other end
/// of the trace. O(intervals) at worst: tens of milliseconds for ten million.
std::optional<Pick> find_next(const Index& index, const LaneLayout& layout, std::string_view text,
                              std::optional<Pick> from, Time from_time, bool backwards);

} // namespace viewer
