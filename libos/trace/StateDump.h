#pragma once
// State dump: what a reader has to know of the time before a recording began. Thread context.

namespace trace {

/// Emits every thread with its name and state, and the app's mappings.
void dump_state();

} // namespace trace
