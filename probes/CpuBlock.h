#pragma once
// CpuBlock: the words of one CPU that a probe's fast path touches, at a fixed offset from the GS base.
//
// The kernel reserves gs:[cpu_block_offset, +sizeof(CpuBlock)) in its per-CPU area, attaches a Ring to it (Ring.h), and
// only then enables sites on that CPU. A probe runs on the CPU whose block it uses from its first access to its last:
// while depth is not 0 the kernel neither preempts nor migrates the thread, delivers no signal to it, and does not stop
// it alone in the debugger. Interrupts and NMIs may come at any instruction; their probes nest.
//
// The offsets are part of the binary interface between an app's objects and the kernel (arch/x86_64/ProbeSite.h spells
// them for assembly).

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace probes {

class Ring;

struct CpuBlock {
    /// Probes in flight on this CPU, nested ones included. Changed by single instructions on this CPU only.
    std::atomic<uint32_t> depth{0};
    /// End of the open sub-buffer as an offset into the ring; 0 sends every probe to the slow path.
    std::atomic<uint32_t> limit{0};
    /// Events recorded << 32 | offset of the next event in the ring: one word, so that an event's place, its timestamp
    /// and the count are taken in one step with regard to interrupts and NMIs on this CPU.
    std::atomic<uint64_t> head{0};
    /// First byte of the ring.
    std::atomic<uintptr_t> base{0};
    /// Where a probe jumps that finds no room: arch/x86_64/SlowPath.S.
    std::atomic<uintptr_t> slow_path{0};
    Ring* ring = nullptr;
    uint64_t reserved[3] = {};
};

inline constexpr size_t cpu_block_offset = 0x100; ///< from the GS base

static_assert(sizeof(CpuBlock) == 64);
static_assert(offsetof(CpuBlock, depth) == 0x00 && offsetof(CpuBlock, limit) == 0x04);
static_assert(offsetof(CpuBlock, head) == 0x08 && offsetof(CpuBlock, base) == 0x10);
static_assert(offsetof(CpuBlock, slow_path) == 0x18 && offsetof(CpuBlock, ring) == 0x20);

} // namespace probes
