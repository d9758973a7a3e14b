#pragma once
// Processors: CPUs come up while the app runs already; what needs all of them waits here. arch::cpu_count() is final
// before the first app thread runs, whichever of them are online.

#include "libos/base/Result.h"

namespace sched {

/// Boot, thread context: every CPU that comes is online.
void processors_are_up();
/// Thread context: until that was said, a second at most for each CPU that does not come. Error::Interrupted.
base::Result<> await_processors();

} // namespace sched
