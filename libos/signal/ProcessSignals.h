#pragma once
// The signal state of the process, for the files of this folder.

#include "libos/sched/SpinLock.h"
#include "libos/signal/SignalQueue.h"
#include "libos/signal/TimerTable.h"

namespace sched {
class Thread;
}

namespace signal {

struct ProcessSignals {
    /// Guards all of this and every thread's queue. Any context but an NMI. Order: this > the scheduler's.
    sched::SpinLock lock;
    Action actions[last_number + 1] = {};
    SignalQueue pending; ///< for any thread
    SignalPool pool;
    TimerTable timers;
};
ProcessSignals& process_signals();

/// Lock held, and as long as it is the thread cannot end: on its way there it has to take the lock. nullptr: no thread
/// of the app's, or one that is ending.
sched::Thread* find_app_thread(uint32_t tid);

// Lock held. Error::Again: there is no room for the signal's value.
base::Result<> queue_to_thread(sched::Thread& thread, const Info& info);
base::Result<> queue_to_process(const Info& info);
/// Takes the next signal out of the thread's queue and then the process'. 0: none.
int take_next(sched::Thread& thread, Set among, Info& info);

/// A timer's signal is taken out: fills in how often it expired meanwhile. Lock held.
void note_delivered(Info& info);

} // namespace signal
