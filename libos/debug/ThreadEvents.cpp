// What happens to threads that a debugger may want to hear of: breakpoints, steps, watchpoints, system calls, signals,
// faults.
#include "gdbstub/Session.h"
#include "libos/debug/BreakpointHit.h"
#include "libos/debug/Debugger.h"
#include "libos/debug/GuestTarget.h"
#include "libos/debug/OutOfLine.h"
#include "libos/debug/Stops.h"
#include "libos/debug/TextPatcher.h"
#include "libos/debug/ThreadControl.h"
#include "libos/debug/WatchPoints.h"
#include "libos/debug/WatchedStep.h"
#include "libos/debug/World.h"
#include "libos/sched/Scheduler.h"

#include <arch/Debug.h>
#include <arch/NoStop.h>
#include <arch/PageTable.h>

namespace debug {

namespace {

using gdbstub::StopReason;
using sched::Thread;

constinit bool g_break_at_boot = false;

/// Until it has been told (true), or nobody wants to hear of it any more.
bool stop_for_system_call(arch::TrapFrame& frame, StopReason reason) {
    uint64_t number = frame.system_call_number();
    bool was_told = false;
    while (!was_told && session().stops_for_system_call(number)) {
        bool retry = false;
        stop(frame, {.reason = reason, .system_call = number}, &retry);
        was_told = !retry;
    }
    return was_told;
}

/// A single step of the thread of `frame` is done.
Handled end_step(arch::TrapFrame& frame) {
    Thread& thread = sched::current_thread();
    if (!thread.stepping) {
        // The app set the flag itself, or a step was cancelled on its way.
        bool was_ours = !frame.from_app() || thread.step_cancelled;
        thread.step_cancelled = false;
        frame.disable_single_step();
        return was_ours ? Handled::Yes : Handled::No;
    }
    if (frame.pc() >= thread.step_range_start && frame.pc() < thread.step_range_end && !target().stop_is_requested())
        return Handled::Yes;
    frame.disable_single_step();
    bool retry = false;
    stop(frame, {.reason = StopReason::Step}, &retry);
    while (retry && thread.stepping) {
        // Another stop came first, and the plan after it still has this thread stepping: its step is done already.
        retry = false;
        frame.disable_single_step();
        stop(frame, {.reason = StopReason::Step}, &retry);
    }
    thread.step_cancelled = false;
    return Handled::Yes;
}

/// The pc is back on the breakpoint, the debugger's or a guard.
Handled handle_debuggers_breakpoint(arch::TrapFrame& frame) {
    uint64_t address = frame.pc();
    if (world().is_stopped() && world().is_leader()) {
        text_patcher().lift_breakpoint(address); // nobody else runs
        return Handled::Yes;
    }
    auto hit = meet_breakpoint(frame, session());
    show_printed(frame);
    // In a section it cannot stop. That comes at its end, where the pc is no breakpoint's any more.
    if (hit.is_told && hit.next != BreakpointHit::Next::Stop)
        put_off({.reason = StopReason::Signal, .signal = signal::Trap, .address = address});
    switch (hit.next) {
    case BreakpointHit::Next::Stop:
        // Whoever loses the race to stop the world runs into the breakpoint again, if it is still there when the world
        // goes on.
        stop_simply(frame, StopReason::SoftwareBreakpoint);
        return Handled::Yes;
    case BreakpointHit::Next::Wait:
        wait_while_held(frame);
        return Handled::Yes;
    case BreakpointHit::Next::InSlot:
        return Handled::OutOfLine;
    case BreakpointHit::Next::Done:
        // The flag would have it trap behind the next instruction.
        return frame.is_single_stepping() ? end_step(frame) : Handled::Yes;
    case BreakpointHit::Next::Again:
        return Handled::Yes;
    }
    return Handled::Yes;
}

/// The breakpoint there was removed while this CPU was on its way to the handler, or it ran a stale translation.
bool is_gone(uint64_t address) {
    auto page = arch::find_page(address);
    return page && static_cast<uint8_t*>(arch::direct_map(page->frame))[address & 4095] != arch::breakpoint_instruction;
}

Handled handle_breakpoint(arch::TrapFrame& frame) {
    uint64_t address = arch::breakpoint_address(frame);
    bool stops = false, goes_on = false;
    {
        // Looked at in one piece: in a stop in between gdb might put in what was out.
        arch::NoStop section;
        if (text_patcher().resolve_transient(address, &address))
            goes_on = true;
        else if (text_patcher().stops_at(address))
            stops = true;
        else
            goes_on = is_gone(address);
        if (stops || goes_on)
            frame.set_pc(address);
    }
    if (stops)
        return handle_debuggers_breakpoint(frame);
    if (goes_on)
        return Handled::Yes;
    if (!g_break_at_boot)
        return Handled::No;
    g_break_at_boot = false;
    stop_simply(frame, StopReason::Requested);
    return Handled::Yes;
}

/// The pc is at one in the debug registers.
Handled handle_hardware_breakpoint(arch::TrapFrame& frame) {
    uint64_t address = frame.pc();
    bool has_lost = false;
    bool stops = stops_at_hardware_breakpoint(frame, session());
    show_printed(frame);
    if (stops)
        stop(frame, {.reason = StopReason::HardwareBreakpoint}, &has_lost);
    // Whoever loses the race to stop the world runs into it again, as with a breakpoint in the code.
    if (has_lost || frame.pc() != address || !watch_points().stops_at(address))
        return Handled::Yes;
    switch (pass_breakpoint(frame)) {
    case Passed::InSlot:
        return Handled::OutOfLine;
    case Passed::Done:
        return frame.is_single_stepping() ? end_step(frame) : Handled::Yes;
    case Passed::No:
        // An interrupt before the instruction takes the flag away: then it is evaluated, or told, again.
        frame.resume_over_execute_watch();
        break;
    }
    return Handled::Yes;
}

Handled handle_debug_exception(arch::TrapFrame& frame) {
    auto status = arch::take_debug_status();
    if (int hit = take_watched_step_hit(); hit >= 0 && status.single_step)
        status.watch_point = hit;
    if (status.watch_point >= 0 && watch_points().at(status.watch_point).used) {
        int index = status.watch_point;
        auto kind = watch_points().kind_of(index);
        if (kind == gdbstub::PointKind::Execute)
            return handle_hardware_breakpoint(frame);
        bool retry = true;
        // The access is done: it is told even if the world was stopped before it could be.
        while (retry && watch_points().at(index).used) {
            retry = false;
            stop(frame, {.reason = StopReason::Watchpoint, .point = kind, .address = watch_points().at(index).address},
                 &retry);
        }
        return Handled::Yes;
    }
    return status.single_step ? end_step(frame) : Handled::Yes;
}

} // namespace

void break_at_boot() {
    g_break_at_boot = true;
    arch::break_here();
}

Handled handle_exception(arch::TrapFrame& frame, arch::Exception exception) {
    if (exception == arch::Exception::Breakpoint)
        return handle_breakpoint(frame);
    if (exception == arch::Exception::Debug)
        return handle_debug_exception(frame);
    return Handled::No;
}

void enter_system_call(arch::TrapFrame& frame) {
    if (!session().stops_for_system_call(frame.system_call_number()))
        return;
    frame.set_result(static_cast<uint64_t>(-static_cast<int64_t>(base::Error::NoSystemCall))); // as ptrace shows it
    stop_for_system_call(frame, StopReason::SystemCallEntry);
}

void finish_system_call(arch::TrapFrame& frame) {
    // A step that gdb begins there is one of the next instruction.
    if (!frame.is_system_call() || stop_for_system_call(frame, StopReason::SystemCallReturn))
        return;
    Thread& thread = sched::current_thread();
    if (!thread.stepping)
        return;
    frame.hide_single_step_of_call();
    if (frame.pc() >= thread.step_range_start && frame.pc() < thread.step_range_end)
        return;
    frame.disable_single_step();
    stop_simply(frame, StopReason::Step);
    thread.step_cancelled = false;
}

bool filter_signal(arch::TrapFrame& frame, signal::Info& info) {
    if (info.number == signal::Segv && info.address_or_sender == frame.pc() &&
        text_patcher().has_breakpoint(frame.pc())) {
        // gdb's hand calls return to a breakpoint on the stack, where no code may run. This fault is the breakpoint's
        // hit: as a signal, which gdb does not pass on but at a detach, it would end the app then.
        stop_simply(frame, StopReason::SoftwareBreakpoint);
        return false;
    }
    Thread& thread = sched::current_thread();
    int number = info.number;
    int wanted = number;
    thread.signals.at_debugger = &info;
    bool retry = true;
    while (retry && session().stops_for_signal(number)) {
        retry = false;
        wanted = stop(frame, {.reason = StopReason::Signal, .signal = number}, &retry);
    }
    thread.signals.at_debugger = nullptr;
    // What gdb wrote belongs to the signal that it wrote there; for another one there is nothing to tell (Linux'
    // ptrace_signal()).
    if (wanted != info.number)
        info = {.number = wanted, .code = signal::SentByKill};
    return wanted != 0;
}

void report_kernel_fault(const arch::TrapFrame& frame, int signal_number) {
    bool retry = true;
    while (retry && session().attached() && !world().is_stopped()) {
        retry = false;
        stop(const_cast<arch::TrapFrame&>(frame), {.reason = StopReason::Signal, .signal = signal_number}, &retry);
    }
}

} // namespace debug
