#pragma once
// What becomes of a thread that has run into a breakpoint of the debugger's: whether it is reported, and how it goes
// on.

#include <arch/TrapFrame.h>
#include <cstdint>

namespace gdbstub {
class Session;
}

namespace debug {

struct BreakpointHit {
    enum class Next : uint8_t {
        Stop,   ///< the world stops here
        Wait,   ///< gdb holds the thread, and has the breakpoint out only while another steps: wait_while_held()
        InSlot, ///< the caller's trap ends by return_to_slot()
        Done,   ///< the frame is behind the instruction
        Again,  ///< the frame goes on as it is
    };
    Next next = Next::Stop;
    /// gdb is to hear of it. In a no-stop section that comes later, and the thread goes on first.
    bool is_told = true;
};

/// From #BP, with the pc of `frame` back on the breakpoint's address, in the running world or in a no-stop section.
/// Evaluates the breakpoint's condition and runs its commands.
BreakpointHit meet_breakpoint(arch::TrapFrame& frame, gdbstub::Session& session);

/// From #DB, with a breakpoint in the debug registers at the pc of `frame`: whether gdb is to hear of it. As above.
bool stops_at_hardware_breakpoint(const arch::TrapFrame& frame, gdbstub::Session& session);

/// Thread context, behind either: what the commands have printed is on the console when the thread goes on.
void show_printed(const arch::TrapFrame& frame);

} // namespace debug
