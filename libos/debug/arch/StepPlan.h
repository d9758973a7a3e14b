#pragma once
// StepPlan: how the instruction under a breakpoint is executed while the breakpoint stays. Either it is copied to a
// slot, an executable place of the CPU's own, with a breakpoint instruction behind it where it ends; or what it does to
// the registers is done for it. Contract header. Pure: reads registers and, for indirect branches, memory; changes
// nothing.

#include "gdbstub/FunctionRef.h"

#include <arch/TrapFrame.h>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace debug {

inline constexpr size_t slot_size = 64;
inline constexpr size_t longest_step_text = 15; ///< bytes of text that a plan may have to look at

struct StepPlan {
    enum class Kind : uint8_t {
        InSlot,   ///< `code` is executed, then the thread goes on at `pc`
        Emulated, ///< apply() does it
    };
    Kind kind = Kind::InSlot;
    uint8_t code[slot_size] = {}; ///< breakpoint instructions but for what is executed
    size_t code_length = 0;       ///< the breakpoint instruction that ends it is there

    // The registers afterwards. Of a step in a slot only pc.
    uint64_t pc = 0;
    uint64_t sp = 0;
    uint64_t counter = 0; ///< of a loop instruction
};

/// False: the memory cannot be read.
using WordReader = gdbstub::FunctionRef<bool(uint64_t address, uint64_t& word)>;

/// Of the instruction that `text` begins with, which stands at frame.pc(). nullopt: it can only be executed where it
/// is, since it is unknown, depends on its place in another way than those that can be rewritten, or names memory that
/// cannot be read.
std::optional<StepPlan> plan_step(const arch::TrapFrame& frame, std::span<const uint8_t> text, uint64_t slot,
                                  WordReader read_word);
/// Whether there would be a plan, as far as that does not depend on registers and memory.
bool has_step_plan(uint64_t address, std::span<const uint8_t> text, uint64_t slot);
/// Of an emulated one.
void apply(const StepPlan& plan, arch::TrapFrame& frame);

} // namespace debug
