#pragma once
// The table of system calls, joined from all stages, and what is counted about the calls it does not have.

#include "libos/syscall/Table.h"

namespace base {
class TextBuilder;
}

namespace syscalls {

inline constexpr unsigned max_number = 512;

/// Boot: joins the stages' tables.
void initialize();
/// nullptr for a call that does not exist.
const Entry* find(uint64_t number);
/// "futex", or "syscall_NNN".
const char* name_of(uint64_t number);

/// One line on the system calls that were asked for and do not exist; nothing if there were none.
void report_unknown(base::TextBuilder& text);

} // namespace syscalls
