#pragma once
// The names of x86-64 Linux's system calls.

#include <cstdint>
#include <string>

namespace tracer {

/// "read" for 0; "syscall_999" for a number that x86-64 Linux does not have.
std::string system_call_name(uint32_t number);

bool is_system_call(uint32_t number);

} // namespace tracer
