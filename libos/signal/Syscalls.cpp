#include "libos/signal/Syscalls.h"

#include "libos/memory/UserMemory.h"
#include "libos/process/Process.h"
#include "libos/sched/Clock.h"
#include "libos/sched/Scheduler.h"
#include "libos/signal/ProcessSignals.h"
#include "libos/signal/SignalFrame.h"
#include "libos/signal/Signals.h"
#include "libos/signal/TimerSyscalls.h"
#include "libos/syscall/UserTime.h"

namespace signal {

namespace {

using base::Error;
using base::fail;
using syscalls::Arguments;
using Outcome = base::Result<uint64_t>;
using Kind = syscalls::ArgumentKind;

bool is_valid(int number) {
    return number >= 1 && number <= last_number;
}

Outcome sys_rt_sigaction(const Arguments& a) {
    int number = a.as_int(0);
    if (!is_valid(number) || a.value[3] != sizeof(Set))
        return fail(Error::Invalid);
    Action old = action_of(number);
    if (a.value[1] != 0) {
        if (number == Kill || number == Stop)
            return fail(Error::Invalid);
        set_action(number, TRY(memory::read_user<Action>(a.value[1])));
    }
    if (a.value[2] != 0)
        TRY(memory::write_user(a.value[2], old));
    return 0;
}

Outcome sys_rt_sigprocmask(const Arguments& a) {
    if (a.value[3] != sizeof(Set))
        return fail(Error::Invalid);
    Set old = sched::current_thread().signals.mask;
    if (a.value[1] != 0) {
        Set set = TRY(memory::read_user<Set>(a.value[1]));
        switch (a.as_int(0)) {
        case 0:
            set_mask(old | set);
            break;
        case 1:
            set_mask(old & ~set);
            break;
        case 2:
            set_mask(set);
            break;
        default:
            return fail(Error::Invalid);
        }
    }
    if (a.value[2] != 0)
        TRY(memory::write_user(a.value[2], old));
    return 0;
}

Outcome sys_rt_sigreturn(const Arguments&) {
    auto& thread = sched::current_thread();
    if (!pop_signal_frame(*thread.trap_frame, thread.signals)) {
        Info info{.number = Segv, .code = 0x80};
        raise_fault(*thread.trap_frame, info);
    }
    return thread.trap_frame->result();
}

Outcome sys_sigaltstack(const Arguments& a) {
    auto& thread = sched::current_thread();
    auto& signals = thread.signals;
    AlternateStack old = signals.alternate;
    bool is_on_it = old.contains(thread.trap_frame->sp()) && (old.flags & AlternateStack::auto_disarm) == 0;
    if (is_on_it)
        old.flags |= AlternateStack::on_it;
    constexpr uint64_t minimum = 2048; // MINSIGSTKSZ
    if (a.value[0] != 0) {
        auto stack = TRY(memory::read_user<AlternateStack>(a.value[0]));
        if (is_on_it)
            return fail(Error::NotPermitted);
        int32_t mode = stack.flags & ~AlternateStack::auto_disarm;
        if (mode != 0 && mode != AlternateStack::disabled && mode != AlternateStack::on_it)
            return fail(Error::Invalid);
        if (mode == AlternateStack::disabled)
            stack = {};
        else if (stack.size < minimum)
            return fail(Error::NoMemory);
        stack.flags &= ~AlternateStack::on_it;
        signals.alternate = stack;
    }
    if (a.value[1] != 0)
        TRY(memory::write_user(a.value[1], old));
    return 0;
}

Outcome sys_rt_sigpending(const Arguments& a) {
    TRY(memory::write_user(a.value[0], pending_set() & sched::current_thread().signals.mask));
    return 0;
}

Outcome sys_rt_sigsuspend(const Arguments& a) {
    Set set = TRY(memory::read_user<Set>(a.value[0]));
    auto& signals = sched::current_thread().signals;
    signals.saved_mask = signals.mask;
    signals.restore_saved_mask = true;
    set_mask(set);
    while (!is_pending())
        (void)sched::scheduler().sleep_until(sched::no_deadline);
    return fail(Error::Interrupted);
}

Outcome sys_pause(const Arguments&) {
    while (!is_pending())
        (void)sched::scheduler().sleep_until(sched::no_deadline);
    return fail(Error::Interrupted);
}

Info info_from(int number, int code) {
    Info info;
    info.number = number;
    info.code = code;
    info.address_or_sender = process::process_id; // si_pid, si_uid 0
    return info;
}

/// Number 0 asks whether there is somebody.
base::Result<> check_number(int number) {
    if (number != 0 && !is_valid(number))
        return fail(Error::Invalid);
    return {};
}

Outcome sys_kill(const Arguments& a) {
    int pid = a.as_int(0), number = a.as_int(1);
    TRY(check_number(number));
    if (pid != 0 && pid != -1 && pid != static_cast<int>(process::process_id) &&
        pid != -static_cast<int>(process::process_id))
        return fail(Error::NoSuchProcess);
    if (number != 0)
        TRY(send_to_process(info_from(number, SentByKill)));
    return 0;
}

Outcome sys_tkill(const Arguments& a) {
    TRY(check_number(a.as_int(1)));
    TRY(send_to_tid(a.as_u32(0), info_from(a.as_int(1), SentByTkill)));
    return 0;
}

Outcome sys_tgkill(const Arguments& a) {
    TRY(check_number(a.as_int(2)));
    if (a.as_u32(0) != process::process_id)
        return fail(Error::NoSuchProcess);
    TRY(send_to_tid(a.as_u32(1), info_from(a.as_int(2), SentByTkill)));
    return 0;
}

/// What the app says of a signal, which cannot be that a timer sent it: those are told apart by it.
base::Result<Info> read_info(uint64_t address, int number) {
    Info info = TRY(memory::read_user<Info>(address));
    if (info.code == SentByTimer)
        return fail(Error::NotPermitted);
    info.number = number;
    return info;
}

Outcome sys_rt_sigqueueinfo(const Arguments& a) {
    TRY(check_number(a.as_int(1)));
    Info info = TRY(read_info(a.value[2], a.as_int(1)));
    if (a.as_u32(0) != process::process_id)
        return fail(Error::NoSuchProcess);
    if (info.number != 0)
        TRY(send_to_process(info));
    return 0;
}

Outcome sys_rt_tgsigqueueinfo(const Arguments& a) {
    TRY(check_number(a.as_int(2)));
    Info info = TRY(read_info(a.value[3], a.as_int(2)));
    if (a.as_u32(0) != process::process_id)
        return fail(Error::NoSuchProcess);
    TRY(send_to_tid(a.as_u32(1), info));
    return 0;
}

/// One of `set` that waits, and from then on until `awaited` is cleared those are not the handlers'.
int take_awaited(sched::Thread& thread, Set set, Info& info) {
    sched::SpinLocker locker(process_signals().lock);
    int number = take_next(thread, set, info);
    thread.signals.awaited = number != 0 ? 0 : set;
    return number;
}

Outcome sys_rt_sigtimedwait(const Arguments& a) {
    if (a.value[3] != sizeof(Set))
        return fail(Error::Invalid);
    Set set = TRY(memory::read_user<Set>(a.value[0])) & ~unblockable;
    sched::Deadline deadline = sched::no_deadline;
    if (a.value[2] != 0)
        deadline = sched::deadline_after(TRY(syscalls::read_timespec(a.value[2])));
    auto& thread = sched::current_thread();
    Info info;
    int number;
    base::Result<> slept;
    // A wake-up by a signal is followed by one more look: it may be one of `set`.
    while ((number = take_awaited(thread, set, info)) == 0 && slept && sched::monotonic_ns() < deadline)
        slept = sched::scheduler().sleep_until(deadline);
    if (number == 0) {
        {
            sched::SpinLocker locker(process_signals().lock);
            thread.signals.awaited = 0;
            number = take_next(thread, set, info); // came since
        }
        if (number == 0)
            return fail(slept ? Error::Again : Error::Interrupted);
    }
    if (a.value[1] != 0)
        TRY(memory::write_user(a.value[1], info));
    return static_cast<uint64_t>(number);
}

} // namespace

constexpr syscalls::Entry system_calls[] = {
    {13, "rt_sigaction", {Kind::Signal, Kind::Pointer, Kind::Pointer, Kind::Size}, sys_rt_sigaction},
    {14, "rt_sigprocmask", {Kind::Int, Kind::Pointer, Kind::Pointer, Kind::Size}, sys_rt_sigprocmask},
    {15, "rt_sigreturn", {}, sys_rt_sigreturn},
    {34, "pause", {}, sys_pause},
    {36, "getitimer", {Kind::Int, Kind::Pointer}, sys_getitimer},
    {37, "alarm", {Kind::Unsigned}, sys_alarm},
    {38, "setitimer", {Kind::Int, Kind::Pointer, Kind::Pointer}, sys_setitimer},
    {62, "kill", {Kind::Int, Kind::Signal}, sys_kill},
    {127, "rt_sigpending", {Kind::Pointer, Kind::Size}, sys_rt_sigpending},
    {128, "rt_sigtimedwait", {Kind::Pointer, Kind::Pointer, Kind::Pointer, Kind::Size}, sys_rt_sigtimedwait},
    {129, "rt_sigqueueinfo", {Kind::Int, Kind::Signal, Kind::Pointer}, sys_rt_sigqueueinfo},
    {130, "rt_sigsuspend", {Kind::Pointer, Kind::Size}, sys_rt_sigsuspend},
    {131, "sigaltstack", {Kind::Pointer, Kind::Pointer}, sys_sigaltstack},
    {200, "tkill", {Kind::ThreadId, Kind::Signal}, sys_tkill},
    {222, "timer_create", {Kind::Int, Kind::Pointer, Kind::Pointer}, sys_timer_create},
    {223, "timer_settime", {Kind::Int, Kind::Flags, Kind::Pointer, Kind::Pointer}, sys_timer_settime},
    {224, "timer_gettime", {Kind::Int, Kind::Pointer}, sys_timer_gettime},
    {225, "timer_getoverrun", {Kind::Int}, sys_timer_getoverrun},
    {226, "timer_delete", {Kind::Int}, sys_timer_delete},
    {234, "tgkill", {Kind::Int, Kind::ThreadId, Kind::Signal}, sys_tgkill},
    {297, "rt_tgsigqueueinfo", {Kind::Int, Kind::ThreadId, Kind::Signal, Kind::Pointer}, sys_rt_tgsigqueueinfo},
};
constexpr unsigned system_call_count = sizeof(system_calls) / sizeof(system_calls[0]);

} // namespace signal
