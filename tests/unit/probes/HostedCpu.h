#pragma once
// A thread of a test plays a CPU: its GS base points to an area with a CpuBlock, as a real CPU's does, so that the
// probes' own machine code runs.

#include "probes/CpuBlock.h"
#include "probes/Registry.h"
#include "probes/Ring.h"

#include <asm/prctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <x86intrin.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

namespace probes_test {

inline uint64_t read_tsc() {
    return __rdtsc();
}

class HostedCpu {
public:
    probes::CpuBlock& block() { return m_area->block; }

    /// From here on the calling thread is this CPU.
    void enter() { syscall(SYS_arch_prctl, ARCH_SET_GS, m_area.get()); }

private:
    struct Area {
        std::byte kernel_own[probes::cpu_block_offset];
        probes::CpuBlock block;
    };
    std::unique_ptr<Area> m_area = std::make_unique<Area>();
};

/// A ring with storage of its own.
struct HostedRing {
    HostedRing(probes::CpuBlock& block, size_t sub_buffers = 4, size_t sub_buffer_size = 2048,
               probes::Mode mode = probes::Mode::Streaming, uint64_t (*clock)() = read_tsc, uint32_t cpu_id = 0,
               uint64_t first_sequence = 0, uint64_t first_count = 0)
        : storage(sub_buffers * sub_buffer_size / sizeof(uint64_t)) {
        auto result = ring->attach(block, {.storage = std::as_writable_bytes(std::span(storage)),
                                           .sub_buffer_size = sub_buffer_size,
                                           .cpu_id = cpu_id,
                                           .mode = mode,
                                           .clock = clock,
                                           .first_sequence = first_sequence,
                                           .first_count = first_count});
        if (!result)
            std::abort();
    }
    probes::Ring* operator->() { return ring.get(); }

    std::vector<uint64_t> storage;
    std::unique_ptr<probes::Ring> ring = std::make_unique<probes::Ring>();
};

/// Patches this process, while no other thread runs the code.
class HostedPatcher final : public probes::SitePatcher {
public:
    base::Result<> patch(std::span<wire::SiteDescriptor* const> sites, bool enabled) override {
        for (const auto* site : sites) {
            uintptr_t page = site->address & ~uintptr_t{4095};
            if (mprotect(reinterpret_cast<void*>(page), 8192, PROT_READ | PROT_WRITE | PROT_EXEC) != 0)
                return base::fail(base::Error::Access);
            auto code = probes::site_code(*site, enabled);
            std::memcpy(reinterpret_cast<void*>(site->address), code.bytes, sizeof code.bytes);
            ++patched;
        }
        return {};
    }
    size_t patched = 0;
};

} // namespace probes_test
