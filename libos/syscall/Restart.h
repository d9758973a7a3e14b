#pragma once
// What becomes of a system call that a signal interrupted. Thread context, on the way back to the app.

#include <arch/TrapFrame.h>

namespace syscalls {

/// Makes the frame of a call that ended in Error::Interrupted issue it again where Linux would, or leaves EINTR as its
/// result. `restart`: no handler runs, or one with SA_RESTART. Nothing for other frames.
void finish_interrupted_call(arch::TrapFrame& frame, bool restart);

} // namespace syscalls
