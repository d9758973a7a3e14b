#pragma once
// Inside libos/debug: stopping the world for what happens to a thread, or for who asks.

#include "gdbstub/Stop.h"

#include <arch/TrapFrame.h>

namespace gdbstub {
class Session;
}

namespace debug {

class GuestTarget;

/// The one that gdb talks to, and what it sees. Who may call what is said there.
gdbstub::Session& session();
GuestTarget& target();

/// Stops the world and serves gdb until it resumes. Returns the signal that gdb wants delivered to the stopped thread.
/// `retry`: the world was stopped and went on meanwhile; the caller's cause may be gone.
int stop(arch::TrapFrame& frame, gdbstub::StopEvent event, bool* retry = nullptr);
void stop_simply(arch::TrapFrame& frame, gdbstub::StopReason reason);

/// What happens inside a no-stop section is told at its end, by an NMI of this CPU to itself.
void put_off(const gdbstub::StopEvent& event);

/// Boot: stops here, as if a breakpoint stood here.
void break_at_boot();

} // namespace debug
