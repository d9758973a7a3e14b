#pragma once
// What gdb's `monitor` tells of the instance: threads, memory, files, probes, the trace.

#include "gdbstub/Target.h"

namespace process {

/// For debug::Options. Commands that it does not know are answered by Error::NoSystemCall.
gdbstub::Monitor& monitor_commands();

} // namespace process
