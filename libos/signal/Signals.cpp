#include "libos/signal/Signals.h"

#include "libos/crash/Crash.h"
#include "libos/debug/Debugger.h"
#include "libos/process/Process.h"
#include "libos/sched/Scheduler.h"
#include "libos/signal/ProcessSignals.h"
#include "libos/signal/SignalFrame.h"
#include "libos/signal/Syscalls.h"
#include "libos/syscall/Restart.h"

namespace signal {

namespace {

constexpr uint64_t flag_no_defer = 0x40000000;
constexpr uint64_t flag_reset_hand = 0x80000000;
constexpr uint64_t flag_restart = 0x10000000;
constexpr uint64_t default_action = 0;
constexpr uint64_t ignore_action = 1;

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

/// Takes the next signal to act on. 0: none.
int take_deliverable(sched::Thread& thread, Info& info) {
    sched::SpinLocker locker(g_process.lock);
    for (;;) {
        int number = take_next(thread, ~thread.signals.mask, info);
        if (number == 0 || !is_ignored(number))
            return number;
    }
}

/// Lock held. Somebody is to take what waits for the process, or it waits until somebody asks: the oldest of the
/// threads that would (the list has the newest first).
void wake_taker(Set which) {
    sched::Thread* taker = nullptr;
    {
        sched::SpinLocker threads(sched::scheduler().lock());
        for (auto* t = sched::scheduler().first_thread(); t != nullptr; t = t->all_next) {
            if (!t->is_kernel() && (t->signals.wanted() & which) != 0)
                taker = t;
        }
    }
    // A thread that is gone wants nothing, and one that is not has to take the signal lock, which is held, to be.
    if (taker != nullptr)
        sched::scheduler().interrupt(*taker);
}

/// Lock held. Linux: a signal that is set to be ignored is forgotten wherever it waits.
void forget_ignored(int number) {
    Info info;
    auto forget = [&](SignalQueue& queue) {
        while (queue.take(g_process.pool, bit(number), info) != 0)
            note_delivered(info);
    };
    forget(g_process.pending);
    sched::SpinLocker threads(sched::scheduler().lock());
    for (auto* t = sched::scheduler().first_thread(); t != nullptr; t = t->all_next)
        forget(t->signals.pending);
}

/// Enters the handler of `info.number`, or ends the app. False: the debugger took it, or made one of it that is
/// ignored, or another thread has it ignored since.
bool take_action(arch::TrapFrame& frame, Info info) {
    sched::Thread& thread = sched::current_thread();
    if (!debug::filter_signal(frame, info))
        return false;
    Action action;
    {
        sched::SpinLocker locker(g_process.lock);
        if (is_ignored(info.number))
            return false;
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
        Info no_room{.number = Segv, .code = SentByKernel};
        crash::fatal_signal(frame, no_room);
    }
    sched::SpinLocker locker(g_process.lock);
    thread.signals.mask |= action.mask & ~unblockable;
    if ((action.flags & flag_no_defer) == 0)
        thread.signals.mask |= bit(info.number);
    return true;
}

} // namespace

void raise_fault(arch::TrapFrame& frame, const Info& fault) {
    Info info = fault;
    sched::Thread& thread = sched::current_thread();
    // A fault that is blocked or ignored ends the app: the instruction could only fault again.
    if ((thread.signals.mask & bit(info.number)) != 0 || g_process.actions[info.number].handler == ignore_action) {
        if (debug::filter_signal(frame, info))
            crash::fatal_signal(frame, info);
        return;
    }
    (void)take_action(frame, fault);
}

ProcessSignals& process_signals() {
    return g_process;
}

int take_next(sched::Thread& thread, Set among, Info& info) {
    int number = thread.signals.pending.take(g_process.pool, among, info);
    if (number == 0)
        number = g_process.pending.take(g_process.pool, among, info);
    if (number != 0)
        note_delivered(info);
    return number;
}

base::Result<> queue_to_thread(sched::Thread& thread, const Info& info) {
    // Ignored, but blocked: there may be a handler by the time it is not.
    if (is_ignored(info.number) && (thread.signals.mask & bit(info.number)) == 0)
        return {};
    if (!thread.signals.pending.add(g_process.pool, info))
        return base::fail(base::Error::Again);
    if ((thread.signals.wanted() & bit(info.number)) != 0)
        sched::scheduler().interrupt(thread);
    return {};
}

base::Result<> queue_to_process(const Info& info) {
    if (is_ignored(info.number)) {
        // As above, and Linux asks the main thread.
        sched::SpinLocker threads(sched::scheduler().lock());
        auto* main = sched::scheduler().find(process::process_id);
        if (main == nullptr || (main->signals.mask & bit(info.number)) == 0)
            return {};
    }
    if (!g_process.pending.add(g_process.pool, info))
        return base::fail(base::Error::Again);
    wake_taker(bit(info.number));
    return {};
}

base::Result<> send_to_thread(sched::Thread& thread, const Info& info) {
    sched::SpinLocker locker(g_process.lock);
    return queue_to_thread(thread, info);
}

base::Result<> send_to_process(const Info& info) {
    sched::SpinLocker locker(g_process.lock);
    return queue_to_process(info);
}

sched::Thread* find_app_thread(uint32_t tid) {
    sched::SpinLocker threads(sched::scheduler().lock());
    auto* thread = sched::scheduler().find(tid);
    return thread != nullptr && !thread->is_kernel() && !thread->signals.is_gone ? thread : nullptr;
}

base::Result<> send_to_tid(uint32_t tid, const Info& info) {
    sched::SpinLocker locker(g_process.lock);
    sched::Thread* thread = find_app_thread(tid);
    if (thread == nullptr)
        return base::fail(base::Error::NoSuchProcess);
    return info.number == 0 ? base::Result<>{} : queue_to_thread(*thread, info);
}

bool is_pending_for(const sched::Thread& thread) {
    return ((thread.signals.pending.pending() | g_process.pending.pending()) & thread.signals.wanted()) != 0;
}

bool is_pending() {
    return is_pending_for(sched::current_thread());
}

void thread_exits(sched::Thread& thread) {
    sched::SpinLocker locker(g_process.lock);
    Info info;
    while (thread.signals.pending.take(g_process.pool, ~Set{0}, info) != 0)
        note_delivered(info);
    thread.signals.mask = ~Set{0};
    thread.signals.awaited = 0;
    thread.signals.is_gone = true;
    if (g_process.pending.pending() != 0)
        wake_taker(g_process.pending.pending());
}

void deliver_pending(arch::TrapFrame& frame) {
    sched::Thread& thread = sched::current_thread();
    if (thread.exit_requested)
        process::exit_thread();
    bool enters_handler = false;
    // Read without the lock: a signal that comes now interrupts this CPU again.
    if (is_pending()) {
        Info info;
        while (take_deliverable(thread, info) != 0)
            enters_handler = take_action(frame, info) || enters_handler;
    }
    if (enters_handler)
        return;
    // There is none, another thread was quicker, or the debugger took it: as if nothing had come.
    if (frame.is_system_call())
        syscalls::finish_interrupted_call(frame, true);
    if (thread.signals.restore_saved_mask) {
        thread.signals.restore_saved_mask = false;
        thread.signals.mask = thread.signals.saved_mask;
    }
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
        forget_ignored(number);
}

void set_mask(Set mask) {
    auto& signals = sched::current_thread().signals;
    sched::SpinLocker locker(g_process.lock);
    Set newly = mask & ~unblockable & ~signals.mask;
    signals.mask = mask & ~unblockable;
    // What this thread was to take for the process is another's now.
    if ((g_process.pending.pending() & newly) != 0)
        wake_taker(g_process.pending.pending() & newly);
}

Set pending_set() {
    sched::SpinLocker locker(g_process.lock);
    return g_process.pending.pending() | sched::current_thread().signals.pending.pending();
}

} // namespace signal
