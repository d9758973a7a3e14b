#pragma once
// WatchedStep: single steps while data are watched.
//
// A processor that steps over an instruction which hits a watchpoint raises one debug exception for both. QEMU's TCG
// (7.2 and 10.0) delivers the step's, and then one more for the watchpoint at the first instruction of the handler: it
// takes the same interrupt stack, and the frame of the first is lost, and with it where the thread was. So the debug
// registers are off while a thread makes a step, and what it did to the data is found by comparing them, or of data
// whose reading is watched by the instruction's operand.
//
// Not found: an access to data watched for reading and writing by a string or vector instruction, or a call's or push's
// that changes nothing. Hits of other threads, and of the kernel, are the registers' as ever.
// The ways into and out of the kernel call begin, end and resume (arch/Exceptions.h).

#include <arch/Exceptions.h>

namespace debug {

/// Which watchpoint the step hit that ended last on this CPU, -1 for none: once.
int take_watched_step_hit();

} // namespace debug
