#pragma once
// Threads as gdb is told of them. In the stopped world, or with the scheduler's lock held.

#include "gdbstub/Target.h"

namespace sched {
class Thread;
}

namespace debug {

/// The list has the newest first; gdb shall see the oldest first. nullptr when there is none.
sched::Thread* oldest_thread();

/// The name is the thread's own memory.
gdbstub::ThreadInfo describe(const sched::Thread& thread);

/// `offset` in the thread's static TLS block.
gdbstub::Answer<uint64_t> thread_local_address(const sched::Thread& thread, uint64_t offset);

} // namespace debug
