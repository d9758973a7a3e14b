#pragma once
// Futexes: threads that sleep on a word of app memory. Source: futex(2). Thread context, no lock held.

#include "libos/base/Result.h"
#include "libos/memory/UserMemory.h"
#include "libos/sched/WaitQueue.h"

namespace sched {

/// Sleeps if *address == value. Error::Again if it is not, TimedOut, Interrupted, Fault.
base::Result<> futex_wait(memory::UserAddress address, uint32_t value, uint32_t bitset, Deadline deadline);

/// Wakes up to `count` waiters whose bitset has a bit in common; returns how many.
unsigned futex_wake(memory::UserAddress address, uint32_t count, uint32_t bitset);

/// Wakes `wake` waiters and moves up to `requeue` others to `target`. With `check`, Error::Again if *address != value.
base::Result<uint64_t> futex_requeue(memory::UserAddress address, uint32_t wake, uint32_t requeue,
                                     memory::UserAddress target, bool check, uint32_t value);

/// FUTEX_WAKE_OP.
base::Result<uint64_t> futex_wake_op(memory::UserAddress address, uint32_t wake, memory::UserAddress second,
                                     uint32_t wake_second, uint32_t operation);

} // namespace sched
