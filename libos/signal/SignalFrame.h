#pragma once
// The frame on the app's stack that a signal handler gets and rt_sigreturn takes back: struct rt_sigframe of Linux.
// Written by libos/arch; thread context, the current thread only.

#include "libos/signal/ThreadSignals.h"

#include <arch/TrapFrame.h>

namespace signal {

/// Saves `frame` and the FPU on the app's stack (or the alternate one) and makes `frame` enter the handler.
/// False: the stack has no room.
bool push_signal_frame(arch::TrapFrame& frame, const Info& info, const Action& action, ThreadSignals& signals);

/// rt_sigreturn: brings back what push_signal_frame() saved. False: the frame is not readable or makes no sense.
bool pop_signal_frame(arch::TrapFrame& frame, ThreadSignals& signals);

} // namespace signal
