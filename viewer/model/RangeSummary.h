#pragma once
// What happened in a marked range, added up: for the summary dock.

#include "viewer/model/Index.h"

#include <string>
#include <vector>

namespace viewer {

struct ThreadShare {
    tracer::ThreadIndex thread = 0;
    Time running = 0;
};

struct CallShare {
    std::string name;
    std::uint64_t count = 0;
    Time total = 0;
    Time median = 0;
    Time longest = 0;
};

struct EventShare {
    std::string name;
    std::uint64_t count = 0;
};

struct RangeSummary {
    TimeRange range;
    std::uint64_t events = 0;
    std::uint64_t lost = 0;
    Time stopped = 0;                 // held by a debugger
    std::vector<double> cpu_use;      // by CPU lane, 0 to 1
    std::vector<ThreadShare> threads; // that ran, the busiest first
    std::vector<CallShare> calls;     // that began in the range, the longest total first
    std::vector<EventShare> types;    // the most frequent first
};

/// O(events in the range). Any thread.
RangeSummary summarise(const Index& index, TimeRange range);

} // namespace viewer
