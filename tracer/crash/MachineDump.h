#pragma once
// MachineDump: QEMU's dump of a stopped machine (`dump-guest-memory` without paging): physical memory and CPUs.

#include "probes/wire/Core.h"
#include "tracer/crash/CoreWriter.h"
#include "tracer/crash/ElfFile.h"

#include <optional>
#include <vector>

namespace crash {

struct MachineCpu {
    wire::CoreRegisters registers{};
    uint64_t page_table = 0;     ///< physical address of the top one
    uint64_t kernel_gs_base = 0; ///< the other of the two, after swapgs
    bool cannot_take_exceptions = false;
};

/// Owns the mapped dump. Nothing in it is trusted: page tables may hold anything.
class MachineDump {
public:
    static tracer::Result<MachineDump> open(const std::filesystem::path& path);

    const std::vector<MachineCpu>& cpus() const { return m_cpus; }
    bool read_physical(uint64_t address, std::span<uint8_t> to) const;
    /// By the page tables of the first CPU: all CPUs share one address space.
    bool read(uint64_t address, std::span<uint8_t> to) const;
    /// All virtual memory that is mapped and in the dump, ascending; neighbours with the same flags are one. Pages of
    /// 1 GiB are left out: only a window onto all physical memory has them, and would repeat everything.
    std::vector<CoreRange> mapped_ranges() const;

private:
    struct Translation {
        uint64_t physical = 0;
        uint64_t size = 0; ///< of the page
        uint64_t flags = 0;
    };
    struct Walk {
        std::vector<CoreRange> ranges;
        size_t tables_left = 16384; ///< 32 GiB of small pages: tables that point to themselves come to an end
    };
    std::optional<uint64_t> entry(uint64_t table, uint64_t index) const;
    std::optional<Translation> translate(uint64_t address) const;
    bool has_physical(uint64_t address) const;
    void walk(uint64_t table, int level, uint64_t base, uint64_t flags, Walk& walked) const;

    ElfFile m_file;
    std::vector<MachineCpu> m_cpus;
};

} // namespace crash
