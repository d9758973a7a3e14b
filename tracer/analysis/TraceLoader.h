#pragma once
// From a trace on disk, or out of a crash's memory, to a Timeline.

#include "tracer/analysis/Timeline.h"
#include "tracer/trace/TraceDirectory.h"

#include <filesystem>
#include <functional>

namespace tracer {

/// Called now and then with the part that is done, 0 to 1; false stops the loading.
using Progress = std::function<bool(double)>;

/// Decodes all packets and merges the CPUs by time. Fails when there is not a single event, and when `progress` says
/// so.
Result<Timeline> load_timeline(const TraceDirectory& trace, const Progress& progress = {});

/// Opens and loads.
Result<Timeline> load_timeline(const std::filesystem::path& path, const Progress& progress = {});

/// All events of a trace in order of time: visit(cpu, event), for what needs no Timeline. Yields how many there were.
uint64_t visit_events(const TraceDirectory& trace, const std::function<void(uint32_t, const DecodedEvent&)>& visit);

} // namespace tracer
