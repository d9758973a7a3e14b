#include "libos/debug/BreakpointHit.h"

#include "gdbstub/Session.h"
#include "libos/debug/AgentContext.h"
#include "libos/debug/AgentOutput.h"
#include "libos/debug/OutOfLine.h"
#include "libos/debug/TextPatcher.h"
#include "libos/debug/ThreadControl.h"
#include "libos/trace/Events.h"

#include <arch/CpuLocal.h>
#include <arch/NoStop.h>

namespace debug {

namespace {

using Next = BreakpointHit::Next;

/// This CPU evaluates. Its own CPU's only.
constinit bool g_evaluates[arch::max_cpus];

/// In a no-stop section. Breakpoints that the evaluation itself runs into are passed unseen.
bool judged_to_stop(const arch::TrapFrame& frame, gdbstub::Session& session) {
    bool& evaluates = g_evaluates[arch::this_cpu().index];
    if (evaluates)
        return false;
    evaluates = true;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    AgentContext context(frame);
    // One that is not in gdb's table is reported as ever.
    bool stops = session.judge_breakpoint(frame.pc(), context) != gdbstub::Verdict::GoOn;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    evaluates = false;
    return stops;
}

/// Whether gdb is to hear that the thread of `frame` has run into the breakpoint at its pc. In a no-stop section.
bool should_report(const arch::TrapFrame& frame, gdbstub::Session& session) {
    if (text_patcher().is_guard(frame.pc()))
        return false;
    const auto* thread = arch::this_cpu().current;
    if (thread != nullptr && has_reported(*thread, frame))
        return false;
    return judged_to_stop(frame, session);
}

Next next_of(Passed passed) {
    switch (passed) {
    case Passed::InSlot:
        return Next::InSlot;
    case Passed::Done:
        return Next::Done;
    case Passed::No:
        break;
    }
    return Next::Again;
}

/// The thread goes on behind the breakpoint, which stays; where that is impossible, by the next best.
Next pass(arch::TrapFrame& frame, bool may_stop) {
    uint64_t address = frame.pc();
    Passed passed = pass_breakpoint(frame);
    if (passed == Passed::No && may_stop && !text_patcher().is_guard(address))
        return Next::Stop;
    if (passed == Passed::No)
        text_patcher().lift_breakpoint(address);
    if (auto* thread = arch::this_cpu().current)
        note_reported(*thread, nullptr);
    return next_of(passed);
}

} // namespace

BreakpointHit meet_breakpoint(arch::TrapFrame& frame, gdbstub::Session& session) {
    uint64_t address = frame.pc();
    bool may_stop = !arch::in_no_stop();
    BreakpointHit hit;
    {
        // What is decided holds until it is done: in a stop in between gdb might put in what was out.
        arch::NoStop section;
        hit.is_told = should_report(frame, session);
        if (hit.is_told && may_stop)
            hit.next = Next::Stop;
        else if (may_stop && text_patcher().is_guard(address) && is_held())
            hit.next = Next::Wait;
        else
            hit.next = pass(frame, may_stop);
    }
    // In a stop just now gdb may have sent the thread elsewhere.
    if (hit.next == Next::InSlot && frame.pc() != address)
        hit.next = Next::Again;
    return hit;
}

bool stops_at_hardware_breakpoint(const arch::TrapFrame& frame, gdbstub::Session& session) {
    arch::NoStop section;
    return judged_to_stop(frame, session);
}

void show_printed(const arch::TrapFrame& frame) {
    // As in wait_while_held(): others keep their CPU, and the console has it by the next interrupt.
    if (frame.from_app() && !trace::probe_in_progress())
        agent_output().drain();
}

} // namespace debug
