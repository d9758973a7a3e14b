#pragma once
// Unwinder: a thread's stack, from its registers and its memory.

#include "tracer/symbols/CfiTable.h"
#include "tracer/symbols/Registers.h"

#include <cstdint>
#include <vector>

namespace tracer {

struct StackFrame {
    enum class Found : uint8_t {
        Registers,    ///< the innermost: where the thread is
        Cfi,          ///< by call frame information
        FramePointer, ///< guessed: no table knew the frame inside of this one
        StackTop,     ///< guessed: a call to nowhere, whose return address is on top of the stack
    };
    UnwindRegisters registers;
    Found found = Found::Registers;
    bool is_exact_pc = true; ///< pc is where it was interrupted; else behind a call

    uint64_t pc() const { return registers.pc(); }
    /// The address to symbolise: inside of the call for a return address.
    uint64_t lookup_pc() const { return is_exact_pc ? pc() : pc() - 1; }
};

/// Innermost first; at least the given registers' frame. Ends at a frame whose return address is undefined or zero, at
/// memory that is not there, at a frame that repeats, and after 65536 frames.
std::vector<StackFrame> unwind(const UnwindRegisters& registers, const MemoryReader& memory, const CfiTable& cfi);

} // namespace tracer
