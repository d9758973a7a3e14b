#pragma once
// One line of the system call table. Each stage of libos has a constexpr array of these (fs::system_calls, ...); the
// dispatcher joins them, and dispatch, tracing and the documentation are all made from that one table.

#include "libos/syscall/Arguments.h"

#include <cstdint>

namespace syscalls {

/// How tracing records and prints an argument.
enum class ArgumentKind : uint8_t {
    None,       // no such argument
    Int,        // signed, 32 bits
    Unsigned,   // 64 bits
    Size,       // bytes
    Offset,     // signed, 64 bits
    Flags,      // hexadecimal
    Mode,       // octal
    Descriptor, // file descriptor or AT_FDCWD
    Path,       // address of a string in app memory
    Pointer,    // address of anything else in app memory
    ThreadId,
    Signal,
};

struct Entry {
    uint16_t number;
    const char* name;
    ArgumentKind kinds[6];
    Handler handler;
};

} // namespace syscalls
