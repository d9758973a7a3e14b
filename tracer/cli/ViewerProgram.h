#pragma once
// Starting uniscope-viewer, which may not be installed.

#include "tracer/Result.h"

#include <string>
#include <vector>

namespace cli {

/// Becomes the viewer: the one beside this program, else the one in PATH. Returns only if that fails.
tracer::Result<int> run_viewer(std::vector<std::string> arguments);

} // namespace cli
