#pragma once
// The file of an image that ran, by its build id.

#include "tracer/image/Image.h"

#include <filesystem>

namespace tracer {

/// Looks, in this order, at `recorded`, where the image was (may be empty), into the user's symbol store, and, where
/// DEBUGINFOD_URLS is set, asks debuginfod servers, which may take as long as its own timeout. Fails with both build
/// ids when `recorded` is another build. Without a build id, `recorded` is taken as it is.
Result<std::filesystem::path> find_image(const std::filesystem::path& recorded, const BuildId& build_id);

/// By libdebuginfod, which gdb brings along; it caches what it got. Fails when no server is configured or has it.
Result<std::filesystem::path> fetch_from_debuginfod(const BuildId& build_id);

/// Puts the image into the user's symbol store. What goes wrong is returned, and no reason not to go on.
Result<> remember_image(const Image& image);

} // namespace tracer
