#pragma once
// What becomes of a system call that a signal interrupted. Thread context, on the way back to the app.

#include <arch/TrapFrame.h>

namespace syscalls {

/// The call ended in Error::Interrupted and Linux would start it anew under SA_RESTART.
bool should_restart(const arch::TrapFrame& frame);
/// Makes an interrupted call's frame issue it again, or leaves EINTR as its result. Nothing for other frames.
void finish_interrupted_call(arch::TrapFrame& frame, bool restart);

} // namespace syscalls
