#pragma once
// The part of DWARF expressions that call frame information uses: registers, constants, arithmetic, memory.

#include "tracer/symbols/Registers.h"

#include <optional>
#include <span>

namespace tracer {

/// The value of an expression (DWARF 5 §2.5), with `initial` on the stack if there is one. Nothing for an operation
/// that call frames do not use, for unreadable memory, and for an expression that does not end.
std::optional<uint64_t> evaluate(std::span<const uint8_t> expression, const UnwindRegisters& registers,
                                 const MemoryReader& memory, std::optional<uint64_t> initial);

} // namespace tracer
