#pragma once
// The last events before a crash: the flight recorder's rings, out of a core's memory.

#include "tracer/crash/CoreFile.h"
#include "tracer/trace/RecordingInfo.h"
#include "tracer/trace/Schema.h"

#include <filesystem>
#include <string>

namespace crash {

/// Writes the rings of a core as a trace directory at `output`, which must not exist. Yields how many events it has; 0
/// without a trace when the core holds no rings.
tracer::Result<uint64_t> extract_trace(const CoreFile& core, const tracer::Schema& schema, std::string instance,
                                       std::string image_path, const std::filesystem::path& output);

} // namespace crash
