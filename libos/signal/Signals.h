#pragma once
// Signals: what an app's threads are told, and what happens when the app does not listen.

#include "libos/base/Result.h"
#include "libos/signal/SignalState.h"

#include <arch/TrapFrame.h>

namespace sched {
class Thread;
}

namespace signal {

/// A fault of the current thread, from an exception out of the app: its handler is entered, or the instance ends.
void raise_fault(arch::TrapFrame& frame, const Info& info);

/// Queues `info` for one thread, or for any that does not block it. Thread or interrupt context.
void send_to_thread(sched::Thread& thread, const Info& info);
void send_to_process(const Info& info);

/// On the way back to the app: enters handlers, ends threads, ends the app. May not return.
void deliver_pending(arch::TrapFrame& frame);

/// A deliverable signal is pending for the current thread: interruptible waits answer Error::Interrupted.
bool is_pending();

} // namespace signal
