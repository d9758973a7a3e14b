#pragma once
// MemoryRuns: which memory goes into a core: everything mapped, by virtual address, without pages of zeros; and the
// trace rings and CPU areas, which lie in the direct map. Collected once, after the world stopped for good: what is
// written later (queues, this table) must not change the file's layout half-way.

#include <cstddef>
#include <cstdint>
#include <span>

namespace crash {

struct MemoryRun {
    uint64_t address;
    uint64_t pages;
    uint32_t flags; ///< of the program header
};

/// The table is static; called once, by the crashing CPU.
std::span<const MemoryRun> collect_memory_runs();

} // namespace crash
