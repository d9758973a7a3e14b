#pragma once
// Processors: CPUs come up while the app runs already; what needs all of them waits here. arch::cpu_count() is final
// before the first app thread runs, whichever of them are online.

namespace sched {

/// Boot, thread context: every CPU that comes is online.
void processors_are_up();
/// Thread context: returns when that was said. Signals do not end it; it takes a second at most for each CPU that does
/// not come.
void await_processors();

} // namespace sched
