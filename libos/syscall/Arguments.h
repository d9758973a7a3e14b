#pragma once
// What a system call handler gets and gives. The calling convention of the CPU ends at the dispatcher: handlers see six
// plain values, in the order of the Linux manual. (`syscall` itself is a function of the C library, so hosted tests
// could not have a namespace of that name.)

#include "libos/base/Result.h"

#include <cstdint>

namespace syscalls {

/// As the app passed them: every one is untrusted. `value[i]` of an `int` argument is its low 32 bits.
struct Arguments {
    uint64_t value[6];

    int as_int(unsigned index) const { return static_cast<int>(value[index]); }
    uint32_t as_u32(unsigned index) const { return static_cast<uint32_t>(value[index]); }
    int64_t as_i64(unsigned index) const { return static_cast<int64_t>(value[index]); }
};

/// Runs in thread context, interrupts on, no lock held. The value is what the app gets; an Error becomes -errno.
using Handler = base::Result<uint64_t> (*)(const Arguments&);

} // namespace syscalls
