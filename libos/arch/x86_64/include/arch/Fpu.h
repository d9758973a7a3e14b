#pragma once
// Vector and floating-point state of the current thread: live in the CPU's registers, since the kernel never touches
// them.

#include <cstddef>

namespace arch {

/// Enables what the CPU has; every CPU calls it once.
void initialize_fpu();
/// Bytes of a save area, aligned to 64. 512 (FXSAVE) or more (XSAVE, standard format).
size_t fpu_state_size();
void initialize_fpu_state(void* area);
void save_fpu(void* area);
void restore_fpu(const void* area);
/// XCR0: which components the save area holds; 3 without XSAVE.
unsigned fpu_components();

} // namespace arch
