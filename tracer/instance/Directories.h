#pragma once
// Where the tool keeps things, by the XDG base directory specification.

#include "tracer/Result.h"

#include <filesystem>

namespace tracer {

/// $XDG_RUNTIME_DIR/uniscope, else /run/user/UID/uniscope, else /tmp/uniscope-UID; made, mode 0700, ours.
Result<std::filesystem::path> runtime_directory();

/// ${XDG_DATA_HOME:-~/.local/share}/uniscope/crashes; made, mode 0700.
Result<std::filesystem::path> crash_directory();

/// ${XDG_CACHE_HOME:-~/.cache}/uniscope; made, mode 0700.
Result<std::filesystem::path> cache_directory();

/// Makes `path` and its parents, and checks that it is a directory of this user that nobody else may enter.
Result<std::filesystem::path> make_private_directory(const std::filesystem::path& path);

} // namespace tracer
