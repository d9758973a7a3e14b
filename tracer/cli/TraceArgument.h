#pragma once
// What the verbs that read a recording share: which trace is meant, and its image.

#include "tracer/Result.h"
#include "tracer/analysis/TraceLoader.h"
#include "tracer/symbols/Symbolizer.h"

#include <filesystem>
#include <optional>
#include <string>

namespace cli {

/// The trace that was named, or the newest `*.trace` in the current directory.
tracer::Result<std::filesystem::path> find_trace(const std::string& argument);

/// Opens it; repairs it first when its recorder was killed, and says so.
tracer::Result<tracer::TraceDirectory> open_trace(const std::filesystem::path& path);

/// Decodes it, with a progress line on a terminal when it takes long.
tracer::Result<tracer::Timeline> load_trace(const tracer::TraceDirectory& trace);

/// The image given with --image, which must have the build id; else the recorded one, or what was kept of it
/// (FindImage.h): when there is neither, says so and yields nothing.
tracer::Result<std::optional<tracer::Symbolizer>>
open_symbols(const std::string& image_option, const std::string& recorded_path, const std::string& build_id);

} // namespace cli
