#pragma once
// The interpreter of gdb's agent expressions: breakpoint conditions and commands, and whatever else gdb compiles for
// the target. Source: GDB manual, "The GDB Agent Expression Mechanism".
//
// Any bytes are safe: a stack of fixed size, jumps and operands inside of the code, memory through the context, an end
// after `budget` units (Budget.h). No heap, no state between evaluations: any number of CPUs may evaluate the same code
// at once. Takes about 1.3 KiB of the caller's stack.
//
// Where the manual leaves it open:
//   - integers have 64 bits and wrap around; the least number divided by -1 is itself
//   - a shift by 64 or more, which is also one by a negative number, shifts everything out
//   - `tracev` pushes nothing, as in gdbserver
//   - `printf` prints by the context's printer, whatever function and channel it is given

#include <cstdint>
#include <span>

#include "gdbstub/agent/Context.h"
#include "gdbstub/agent/Error.h"

namespace gdbstub::agent {

inline constexpr size_t stack_depth = 100;
/// Far more than gdb compiles: its expressions have no loops.
inline constexpr uint64_t default_budget = 16384;

/// The value that is left on the top of the stack.
Result<uint64_t> evaluate(std::span<const uint8_t> code, Context& context, uint64_t budget = default_budget);

/// For what the code does; it may end without a value.
Result<> run(std::span<const uint8_t> code, Context& context, uint64_t budget = default_budget);

} // namespace gdbstub::agent
