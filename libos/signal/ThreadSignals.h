#pragma once
// What each thread has of signals.

#include "libos/signal/SignalQueue.h"

namespace signal {

/// `mask`, `saved_mask` and `alternate` are the thread's own; the rest is guarded by the signal lock
/// (ProcessSignals.h).
struct ThreadSignals {
    Set mask = 0;
    Set awaited = 0;    ///< blocked, and taken all the same: rt_sigtimedwait
    Set saved_mask = 0; ///< restored after a handler ran during sigsuspend, ppoll, ...
    bool restore_saved_mask = false;
    bool is_gone = false; ///< the thread is ending: nothing is queued for it any more
    AlternateStack alternate{};
    SignalQueue pending;
    /// What is about to be delivered, where a debugger may look and write; the thread's own, and the stopped world's.
    Info* at_debugger = nullptr;

    /// Those that the thread would take now.
    Set wanted() const { return ~mask | awaited; }
};

} // namespace signal
