#include "libos/signal/Syscalls.h"

#include "libos/memory/UserMemory.h"
#include "libos/process/Process.h"
#include "libos/sched/Clock.h"
#include "libos/sched/Scheduler.h"
#include "libos/signal/SignalFrame.h"
#include "libos/signal/Signals.h"

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
    auto& signals = sched::current_thread().signals;
    AlternateStack old = signals.alternate;
    constexpr int32_t disabled = 2;
    constexpr uint64_t minimum = 2048;
    if (a.value[0] != 0) {
        auto stack = TRY(memory::read_user<AlternateStack>(a.value[0]));
        if ((stack.flags & ~disabled) != 0)
            return fail(Error::Invalid);
        if ((stack.flags & disabled) == 0 && stack.size < minimum)
            return fail(Error::NoMemory);
        signals.alternate = stack;
    }
    if (a.value[1] != 0)
        TRY(memory::write_user(a.value[1], old));
    return 0;
}

Outcome sys_rt_sigpending(const Arguments& a) {
    TRY(memory::write_user(a.value[0], pending_set()));
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

Outcome send_to_tid(uint32_t tid, int number) {
    if (number != 0 && !is_valid(number))
        return fail(Error::Invalid);
    constexpr int si_tkill = -6;
    auto& scheduler = sched::scheduler();
    auto state = scheduler.lock().lock();
    sched::Thread* thread = scheduler.find(tid);
    bool exists = thread != nullptr && !thread->is_kernel();
    scheduler.lock().unlock(state);
    if (!exists)
        return fail(Error::NoSuchProcess);
    if (number != 0)
        send_to_thread(*thread, info_from(number, si_tkill));
    return 0;
}

Outcome sys_kill(const Arguments& a) {
    int pid = a.as_int(0), number = a.as_int(1);
    if (number != 0 && !is_valid(number))
        return fail(Error::Invalid);
    if (pid != 0 && pid != -1 && pid != static_cast<int>(process::process_id) &&
        pid != -static_cast<int>(process::process_id))
        return fail(Error::NoSuchProcess);
    if (number != 0)
        send_to_process(info_from(number, 0));
    return 0;
}

Outcome sys_tkill(const Arguments& a) {
    return send_to_tid(a.as_u32(0), a.as_int(1));
}

Outcome sys_tgkill(const Arguments& a) {
    if (a.as_u32(0) != process::process_id)
        return fail(Error::NoSuchProcess);
    return send_to_tid(a.as_u32(1), a.as_int(2));
}

} // namespace

constexpr syscalls::Entry system_calls[] = {
    {13, "rt_sigaction", {Kind::Signal, Kind::Pointer, Kind::Pointer, Kind::Size}, sys_rt_sigaction},
    {14, "rt_sigprocmask", {Kind::Int, Kind::Pointer, Kind::Pointer, Kind::Size}, sys_rt_sigprocmask},
    {15, "rt_sigreturn", {}, sys_rt_sigreturn},
    {34, "pause", {}, sys_pause},
    {62, "kill", {Kind::Int, Kind::Signal}, sys_kill},
    {127, "rt_sigpending", {Kind::Pointer, Kind::Size}, sys_rt_sigpending},
    {130, "rt_sigsuspend", {Kind::Pointer, Kind::Size}, sys_rt_sigsuspend},
    {131, "sigaltstack", {Kind::Pointer, Kind::Pointer}, sys_sigaltstack},
    {200, "tkill", {Kind::ThreadId, Kind::Signal}, sys_tkill},
    {234, "tgkill", {Kind::Int, Kind::ThreadId, Kind::Signal}, sys_tgkill},
};
constexpr unsigned system_call_count = sizeof(system_calls) / sizeof(system_calls[0]);

} // namespace signal
