#pragma once
// The registers of one thread as gdb sees them on x86-64 Linux. A plain struct that a Target fills and takes back; the
// table in Registers.h says where in it each of gdb's registers is. About 1 KiB: keep it off small stacks.

#include <cstddef>
#include <cstdint>

#include "gdbstub/arch/x86_64/gdbstub_registers.h"

namespace gdbstub {

struct RegisterFile : gdbstub_registers {
    bool is_unavailable(unsigned number) const { return (unavailable[number / 64] >> (number % 64) & 1) != 0; }
    void set_unavailable(unsigned number) { unavailable[number / 64] |= uint64_t{1} << (number % 64); }
};

/// Groups of registers that a processor may lack or a target may not keep.
enum class OptionalRegisters : uint8_t {
    Avx,
};

} // namespace gdbstub
