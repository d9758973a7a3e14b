#include "libos/crash/MemoryRuns.h"

#include "libos/base/Bits.h"
#include "libos/base/Elf.h"
#include "libos/memory/PhysicalMemory.h"
#include "libos/trace/Rings.h"

#include <arch/CpuLocal.h>
#include <arch/PageTable.h>
#include <arch/Processor.h>

namespace crash {

namespace {

constexpr uint64_t page = arch::page_size;
constexpr size_t capacity = 3000;
/// Shorter stretches of zeros stay inside a run: a program header costs more than they do.
constexpr uint64_t shortest_gap = 8;

constinit MemoryRun g_runs[capacity];
constinit size_t g_count = 0;

bool is_zero_page(const void* frame) {
    const auto* words = static_cast<const uint64_t*>(frame);
    for (size_t i = 0; i < page / sizeof(uint64_t); ++i) {
        if (words[i] != 0)
            return false;
    }
    return true;
}

void add_page(uint64_t address, uint32_t flags) {
    if (g_count != 0) {
        auto& last = g_runs[g_count - 1];
        uint64_t end = last.address + last.pages * page;
        if (last.flags == flags && address >= end && (address - end) / page < shortest_gap) {
            // Pages between are mapped zeros, or holes that read as such: only mapped ones may be joined over.
            bool joined = true;
            for (uint64_t at = end; at < address && joined; at += page)
                joined = arch::find_page(at).has_value();
            if (joined) {
                last.pages = (address - last.address) / page + 1;
                return;
            }
        }
    }
    // A full table loses the rest of memory, not the file.
    if (g_count < capacity)
        g_runs[g_count++] = {address, 1, flags};
}

void add_mapped_range(uint64_t start, uint64_t end) {
    for (uint64_t at = start; (at = arch::next_mapped_candidate(at, end)) < end; at += page) {
        auto mapping = arch::find_page(at);
        if (!mapping || !memory::physical_memory().is_ram(mapping->frame))
            continue;
        if (is_zero_page(arch::direct_map(mapping->frame)))
            continue;
        uint32_t flags = base::elf::readable | (mapping->flags.writable ? base::elf::writable : 0) |
                         (mapping->flags.executable ? base::elf::executable : 0);
        add_page(at, flags);
    }
}

void add_direct_range(const void* start, uint64_t size) {
    auto address = base::align_down(reinterpret_cast<uint64_t>(start), page);
    for (uint64_t end = reinterpret_cast<uint64_t>(start) + size; address < end; address += page) {
        if (!is_zero_page(reinterpret_cast<const void*>(address)))
            add_page(address, base::elf::readable | base::elf::writable);
    }
}

} // namespace

std::span<const MemoryRun> collect_memory_runs() {
    g_count = 0;
    add_mapped_range(0, arch::app_end); // the app, and the libOS in its midst
    for (uint32_t cpu = 0; cpu < arch::cpu_count(); ++cpu) {
        const auto& ring = trace::ring_of_cpu(cpu).descriptor();
        if (ring.magic == wire::ring_magic)
            add_direct_range(reinterpret_cast<const void*>(ring.storage), ring.sub_buffer_size * ring.sub_buffer_count);
        if (cpu != 0) // the boot CPU's lies in the libOS' data
            add_direct_range(&arch::cpu(cpu), sizeof(arch::CpuLocal));
    }
    add_mapped_range(arch::heap_base, arch::heap_base + (uint64_t{1} << 39));
    add_mapped_range(arch::stack_base, arch::stack_base + (uint64_t{1} << 39));
    return {g_runs, g_count};
}

} // namespace crash
