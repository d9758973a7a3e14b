#pragma once
// A timeline as Chrome's JSON trace event format, which Perfetto's and Chrome's viewers open.
// Source of the format: "Trace Event Format", the document that chrome://tracing links to.

#include "tracer/analysis/Timeline.h"

#include <cstdio>

namespace tracer {

/// Writes all of it: process 0 has a track per CPU, process 1 one per thread with system calls, waits and events, and
/// arrows from waker to woken. Fails when `file` cannot be written.
Result<> write_chrome_json(const Timeline& timeline, std::FILE* file);

} // namespace tracer
