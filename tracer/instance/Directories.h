#pragma once
// Where the tool keeps things, by the XDG base directory specification.

#include "tracer/Result.h"

#include <filesystem>
#include <optional>

namespace tracer {

/// $XDG_RUNTIME_DIR/uniscope, else /run/user/UID/uniscope, else /tmp/uniscope-UID; made, mode 0700, ours.
Result<std::filesystem::path> runtime_directory();

/// The system's registry: /run/uniscope, or what UNISCOPE_SYSTEM_REGISTRY names. Nothing when there is none; an error
/// in words when it is there and not usable: this user is not of its group, others than its group may enter, or it is
/// not sticky.
Result<std::optional<std::filesystem::path>> system_directory();
/// The same, made where there is none and this user is root: mode 3770, group `uniscope`.
Result<std::filesystem::path> make_system_directory();

/// ${XDG_DATA_HOME:-~/.local/share}/uniscope/crashes; made, mode 0700.
Result<std::filesystem::path> crash_directory();

/// ${XDG_DATA_HOME:-~/.local/share}/uniscope/symbols; made, mode 0700.
Result<std::filesystem::path> symbol_directory();

/// ${XDG_CONFIG_HOME:-~/.config}/uniscope/keys; made, mode 0700.
Result<std::filesystem::path> key_directory();

/// ${XDG_CACHE_HOME:-~/.cache}/uniscope; made, mode 0700.
Result<std::filesystem::path> cache_directory();

/// Makes `path` and its parents, and checks that it is a directory of this user that nobody else may enter.
Result<std::filesystem::path> make_private_directory(const std::filesystem::path& path);

} // namespace tracer
