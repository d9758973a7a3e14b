#pragma once
// Starting further CPUs. Contract header; boot only.

#include "arch/CpuLocal.h"

#include <cstdint>

namespace arch {

/// Puts the start-up code below 1 MiB. False: not possible.
bool prepare_trampoline();
void release_trampoline();

/// The CPU begins with entry(cpu) on `stack_top`, on the final page table, with no per-CPU state loaded.
void start_secondary_cpu(CpuLocal& cpu, uint64_t stack_top, void (*entry)(CpuLocal&));
/// First thing on the new CPU: tables, FPU, interrupt controller.
void initialize_secondary_cpu(CpuLocal& cpu);

} // namespace arch
