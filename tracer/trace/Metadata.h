#pragma once
// The metadata of a CTF 1.8 trace: a text in TSDL that says how to read its packets (docs/trace-format.md).

#include "tracer/trace/RecordingInfo.h"
#include "tracer/trace/Schema.h"

#include <string>

namespace tracer {

/// The whole file `metadata`.
std::string make_metadata(const RecordingInfo& info, const Schema& schema);

} // namespace tracer
