#pragma once
// Kernel stacks with a guard page below each. Thread context.

#include "libos/base/Result.h"

#include <cstdint>

namespace memory {

struct KernelStack {
    uint64_t bottom;
    uint64_t top;
};

base::Result<KernelStack> allocate_kernel_stack();
/// The stack may be the one the caller's CPU left just now; it stays mapped and is handed out again.
void free_kernel_stack(KernelStack stack);
/// True for an address in the guard page below some kernel stack.
bool is_kernel_stack_guard(uint64_t address);

} // namespace memory
