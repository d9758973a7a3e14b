#pragma once
// The process' signal actions, for the system calls.

#include "libos/signal/SignalState.h"
#include "libos/syscall/Table.h"

namespace signal {

Action action_of(int number);
void set_action(int number, const Action& action);
/// Of the current thread; SIGKILL and SIGSTOP stay unblocked.
void set_mask(Set mask);
Set pending_set();

extern const syscalls::Entry system_calls[];
extern const unsigned system_call_count;

} // namespace signal
