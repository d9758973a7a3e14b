#pragma once
// LaneFilter: which lanes are shown. A pure value.

#include "viewer/model/Lane.h"

#include <set>
#include <string>
#include <string_view>

namespace viewer {

struct LaneFilter {
    /// Comma-separated; a lane is shown if one of them matches its name or note. Letters' case does not matter. With *
    /// or ? in it a pattern matches the whole name, else any part of it. Empty shows all.
    std::string pattern;
    std::set<std::uint32_t> hidden; // lanes by index, hidden one by one

    bool shows(const Lane& lane, std::uint32_t index) const;
    bool operator==(const LaneFilter&) const = default;
};

/// * stands for any letters, ? for one; case does not matter.
bool glob_matches(std::string_view pattern, std::string_view text);
/// Is `part` in `text`? Case does not matter.
bool contains_ignoring_case(std::string_view text, std::string_view part);

} // namespace viewer
