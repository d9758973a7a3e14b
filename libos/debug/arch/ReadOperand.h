#pragma once
// ReadOperand: what an instruction reads of memory. Contract header. Pure.

#include <arch/TrapFrame.h>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace debug {

struct ReadOperand {
    uint64_t address = 0;
    size_t size = 0; ///< bytes, at most: of vector instructions 16
};

/// Of the instruction that `text` begins with, which stands at frame.pc(), with the frame's registers. `thread_pointer`
/// is where thread-local storage is based. nullopt: it reads none, or is one that this does not know. What it only
/// writes counts as read, where the encoding does not tell them apart.
std::optional<ReadOperand> read_operand(const arch::TrapFrame& frame, std::span<const uint8_t> text,
                                        uint64_t thread_pointer);

} // namespace debug
