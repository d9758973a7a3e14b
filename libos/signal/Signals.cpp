#include "libos/signal/Signals.h"

#include "libos/crash/Crash.h"
#include "libos/debug/Debugger.h"
#include "libos/process/Process.h"
#include "libos/sched/Scheduler.h"
#include "libos/signal/SignalFrame.h"
#include "libos/signal/Syscalls.h"
#include "libos/syscall/Restart.h"

#include <arch/PageTable.h>
#include <bit>

namespace signal {

namespace {

constexpr uint64_t flag_no_defer = 0x40000000;
constexpr uint64_t flag_reset_hand = 0x80000000;
constexpr uint64_t flag_restart = 0x10000000;
constexpr uint64_t default_action = 0;
constexpr uint64_t ignore_action = 1;
constexpr Set unblockable = bit(Kill) | bit(Stop);

/// Actions of the process, and signals that any thread may take. Order: this lock > the scheduler's.
struct ProcessSignals {
    sched::SpinLock lock;
    Action actions[last_number + 1] = {};
    Set pending = 0;
    Info infos[32] = {}; ///< of pending process-wide standard signals
};
constinit ProcessSignals g_process;

enum class Default { Terminate, Core, Ignore };

Default default_of(int number) {
    switch (number) {
    case Child:
    case Urgent:
    case WindowChange:
    case Continue:
    case Stop: // there is nobody to continue the app: job control is not supported
    case TerminalStop:
    case TerminalIn:
    case TerminalOut:
        return Default::Ignore;
    case Quit:
    case Illegal:
    case Trap:
    case Abort:
    case Bus:
    case FloatingPoint:
    case Segv:
    case BadSystemCall:
    case 24: // SIGXCPU
    case 25: // SIGXFSZ
        return Default::Core;
    default:
        return Default::Terminate;
    }
}

bool is_ignored(int number) {
    uint64_t handler = g_process.actions[number].handler;
    return handler == ignore_action || (handler == default_action && default_of(number) == Default::Ignore);
}

/// Takes the lowest deliverable signal out of the pending sets. 0: none.
int take_pending(sched::Thread& thread, Info& info) {
    sched::SpinLocker locker(g_process.lock);
    auto& signals = thread.signals;
    for (;;) {
        Set own = signals.pending & ~signals.mask;
        Set shared = g_process.pending & ~signals.mask;
        if ((own | shared) == 0)
            return 0;
        int number = std::countr_zero(own | shared) + 1;
        if ((own & bit(number)) != 0) {
            signals.pending &= ~bit(number);
            info = signals.info.number == number ? signals.info : Info{.number = number};
        } else {
            g_process.pending &= ~bit(number);
            info = number < 32 ? g_process.infos[number] : Info{.number = number};
        }
        if (!is_ignored(number))
            return number;
    }
}

/// Enters the handler of `info.number`, or ends the app.
void take_action(arch::TrapFrame& frame, const Info& original) {
    sched::Thread& thread = sched::current_thread();
    Info info = original;
    info.number = debug::filter_signal(frame, original);
    if (info.number == 0)
        return; // the debugger took it
    Action action;
    {
        sched::SpinLocker locker(g_process.lock);
        action = g_process.actions[info.number];
        if (action.handler > ignore_action && (action.flags & flag_reset_hand) != 0)
            g_process.actions[info.number].handler = default_action;
    }
    if (action.handler <= ignore_action) {
        if (default_of(info.number) == Default::Core)
            crash::fatal_signal(frame, info);
        process::exit_by_signal(info.number);
    }
    bool restart = (action.flags & flag_restart) != 0;
    syscalls::finish_interrupted_call(frame, restart);
    if (!push_signal_frame(frame, info, action, thread.signals)) {
        // No room for the frame: Linux forces SIGSEGV, and a SIGSEGV handler could not run either.
        Info fault{.number = Segv, .code = 0x80};
        crash::fatal_signal(frame, fault);
    }
    sched::SpinLocker locker(g_process.lock);
    thread.signals.mask |= action.mask & ~unblockable;
    if ((action.flags & flag_no_defer) == 0)
        thread.signals.mask |= bit(info.number);
}

} // namespace

void raise_fault(arch::TrapFrame& frame, const Info& info) {
    sched::Thread& thread = sched::current_thread();
    // A fault that is blocked or ignored ends the app: the instruction could only fault again.
    if ((thread.signals.mask & bit(info.number)) != 0 || g_process.actions[info.number].handler == ignore_action) {
        if (debug::filter_signal(frame, info) != 0)
            crash::fatal_signal(frame, info);
        return;
    }
    take_action(frame, info);
}

void send_to_thread(sched::Thread& thread, const Info& info) {
    {
        sched::SpinLocker locker(g_process.lock);
        if (is_ignored(info.number) && (thread.signals.mask & bit(info.number)) == 0)
            return;
        thread.signals.pending |= bit(info.number);
        thread.signals.info = info;
        if ((thread.signals.mask & bit(info.number)) != 0)
            return;
    }
    sched::scheduler().interrupt(thread);
}

void send_to_process(const Info& info) {
    sched::Thread* target = nullptr;
    {
        sched::SpinLocker locker(g_process.lock);
        if (is_ignored(info.number))
            return;
        sched::SpinLocker threads(sched::scheduler().lock());
        for (auto* t = sched::scheduler().first_thread(); t != nullptr; t = t->all_next) {
            // The oldest thread that would take it: the list has the newest first.
            if (!t->is_kernel() && (t->signals.mask & bit(info.number)) == 0)
                target = t;
        }
        if (target != nullptr) {
            target->signals.pending |= bit(info.number);
            target->signals.info = info;
        } else {
            g_process.pending |= bit(info.number);
            if (info.number < 32)
                g_process.infos[info.number] = info;
        }
    }
    if (target != nullptr)
        sched::scheduler().interrupt(*target);
}

bool is_pending() {
    auto& signals = sched::current_thread().signals;
    return ((signals.pending | g_process.pending) & ~signals.mask) != 0;
}

void deliver_pending(arch::TrapFrame& frame) {
    sched::Thread& thread = sched::current_thread();
    if (thread.exit_requested)
        process::exit_thread();
    // Read without the lock: a signal that comes now interrupts this CPU again.
    if (!is_pending()) {
        if (frame.is_system_call())
            syscalls::finish_interrupted_call(frame, true);
        if (thread.signals.restore_saved_mask) {
            thread.signals.restore_saved_mask = false;
            thread.signals.mask = thread.signals.saved_mask;
        }
        return;
    }
    Info info;
    while (take_pending(thread, info) != 0)
        take_action(frame, info);
}

// --- system calls
// ------------------------------------------------------------------------------------------------------

Action action_of(int number) {
    sched::SpinLocker locker(g_process.lock);
    return g_process.actions[number];
}

void set_action(int number, const Action& action) {
    sched::SpinLocker locker(g_process.lock);
    g_process.actions[number] = action;
    if (is_ignored(number))
        g_process.pending &= ~bit(number);
}

void set_mask(Set mask) {
    sched::SpinLocker locker(g_process.lock);
    sched::current_thread().signals.mask = mask & ~unblockable;
}

Set pending_set() {
    sched::SpinLocker locker(g_process.lock);
    return g_process.pending | sched::current_thread().signals.pending;
}

} // namespace signal
