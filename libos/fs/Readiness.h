#pragma once
// Readiness: how poll, select and epoll_wait sleep until anything changes. One queue for all: a waiter looks at its own
// files again after each change. Waking is allowed in any context but an NMI.

#include "libos/base/Result.h"
#include "libos/sched/WaitQueue.h"

#include <cstdint>

namespace fs {

/// Grows with each readiness_changed(). Read it before looking at the files.
uint64_t readiness_generation();
/// Returns at once when something changed since `generation`. Error::TimedOut, Error::Interrupted.
base::Result<> wait_for_readiness(uint64_t generation, sched::Deadline deadline);

} // namespace fs
