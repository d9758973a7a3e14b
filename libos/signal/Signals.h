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

/// Queues `info` for one thread, or for any that does not block it. Thread or interrupt context. Error::Again: there is
/// no room for the value that comes with it. Error::NoSuchProcess: there is no such thread of the app.
base::Result<> send_to_thread(sched::Thread& thread, const Info& info);
base::Result<> send_to_process(const Info& info);
base::Result<> send_to_tid(uint32_t tid, const Info& info);

/// On the way back to the app: enters handlers, ends threads, ends the app. May not return.
void deliver_pending(arch::TrapFrame& frame);

/// A deliverable signal is pending for the current thread: interruptible waits answer Error::Interrupted.
bool is_pending();
/// The same of any thread, with the scheduler's lock held: whoever queues a signal takes that lock afterwards to wake
/// the thread, so one that finds none here and sleeps is woken.
bool is_pending_for(const sched::Thread& thread);

/// The current thread of the app is about to end: what waits for the process is another's to take.
void thread_exits(sched::Thread& thread);

/// From each timer interrupt, without the scheduler's lock: the app's timers.
void on_timer_interrupt();

} // namespace signal
