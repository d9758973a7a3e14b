#pragma once
// The image's identity: .note.gnu.build-id, found through its program headers.

#include <cstddef>
#include <span>

namespace control {

/// Empty if the image was linked without one. Any context once the app's segments are mapped.
std::span<const std::byte> build_id();

} // namespace control
