#pragma once
// The event types that an image can emit, from the descriptors in its section `uniscope_events`.

#include "tracer/image/Image.h"
#include "tracer/trace/Schema.h"

namespace tracer {

/// Nothing in the image is trusted: fails in words on a descriptor that points outside of it, or of an unknown version.
/// An image without probes gives an empty schema.
Result<Schema> read_schema(const Image& image);

} // namespace tracer
