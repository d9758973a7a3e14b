#include "libos/debug/BreakpointHit.h"

#include "libos/debug/OutOfLine.h"
#include "libos/debug/TextPatcher.h"
#include "libos/debug/ThreadControl.h"

#include <arch/CpuLocal.h>
#include <arch/NoStop.h>

namespace debug {

namespace {

using Next = BreakpointHit::Next;

/// Whether gdb is to hear that the thread of `frame` has run into the breakpoint at its pc. The breakpoint's condition,
/// where the guest has it, belongs here: the world runs.
bool should_report(const arch::TrapFrame& frame) {
    if (text_patcher().is_guard(frame.pc()))
        return false;
    const auto* thread = arch::this_cpu().current;
    return thread == nullptr || !has_reported(*thread, frame);
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

BreakpointHit meet_breakpoint(arch::TrapFrame& frame) {
    uint64_t address = frame.pc();
    bool may_stop = !arch::in_no_stop();
    BreakpointHit hit;
    {
        // What is decided holds until it is done: in a stop in between gdb might put in what was out.
        arch::NoStop section;
        hit.is_told = should_report(frame);
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

} // namespace debug
