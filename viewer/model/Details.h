#pragma once
// What the viewer tells about one thing, as text: for the hover card, the details dock and the command line.

#include "viewer/model/Index.h"

#include <string>
#include <vector>

namespace viewer {

struct Detail {
    std::string name;
    std::string value;
};

struct Details {
    std::string title;
    TimeRange range; // begin == end: an instant
    std::vector<Detail> rows;
};

Details details_of(const Index& index, Pick pick);
Details details_of_event(const Index& index, std::uint32_t row);

/// "ENOENT" for 2; empty for a number that Linux does not have.
std::string error_name(std::int64_t error);

} // namespace viewer
