#pragma once
// Contract: each CPU's directory fills the same names.
//   RegisterFile.h   struct RegisterFile, all that gdb can see of one thread's registers
//   Registers.h      the table of registers, and which of them are the program counter and the expedited ones

#if defined(__x86_64__)
#include "gdbstub/arch/x86_64/RegisterFile.h"
#else
#error "gdbstub/arch has no directory for this CPU yet"
#endif
