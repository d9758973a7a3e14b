#pragma once
// Faults of the kernel's own, on request: what the crash sample and the tests use to show that a dead kernel is
// reported. Off unless the command line has `uniscope.faults=allowed`; the system call does not exist then.

#include "libos/syscall/Table.h"

namespace process {

/// Not one of Linux', and beyond those it has.
inline constexpr uint16_t fault_system_call = 511;

enum class InjectedFault : uint64_t {
    WildWrite = 0,
    StackOverflow = 1,
    TripleFault = 2,
    HangWithInterruptsOff = 3,
    FailedAssertion = 4,
};

void allow_injected_faults();

extern const syscalls::Entry fault_system_calls[1];

} // namespace process
