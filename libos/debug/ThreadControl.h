#pragma once
// What gdb's plans mean for threads: who runs, who steps, who is held.

#include "gdbstub/Session.h"
#include "libos/debug/GuestTarget.h"
#include "libos/sched/Thread.h"

#include <arch/TrapFrame.h>

namespace debug {

/// Makes threads do what gdb said, when the world goes on. The stopped world's leader; `stopped` is the thread that it
/// stopped in, or nullptr.
void carry_out(const gdbstub::ResumePlan& plan, GuestTarget& target, sched::Thread* stopped);

/// `frame`, in the stopped world: the thread reports the breakpoint at its pc. nullptr: it reports something else, or
/// goes on.
void note_reported(sched::Thread& thread, const arch::TrapFrame* frame);
/// The thread, which goes on in `frame`, stands on the breakpoint that it reported last and has not left.
bool has_reported(const sched::Thread& thread, const arch::TrapFrame& frame);
/// After carry_out(), in the stopped world: a thread steps the instruction at `address`.
bool steps_from(uint64_t address, GuestTarget& target);

/// Threads whose registers gdb changed while they slept in a system call leave it. After the world goes on.
void interrupt_changed_threads();

/// A thread that gdb holds has no stop of its own until gdb lets it go: gdb, when it steps one thread over a breakpoint
/// with all others held, takes another thread's event for an error. True: this one was held, and may go on now.
bool wait_while_held(const arch::TrapFrame& frame);
/// Whether gdb holds the current thread.
bool is_held();

} // namespace debug
