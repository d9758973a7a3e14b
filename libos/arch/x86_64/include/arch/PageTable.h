#pragma once
// The one page table of the machine: app, libOS and the direct map of all memory. Contract header.
//
// map(), unmap() and protect() are called with the lock of the structure that owns the range held (the address space's,
// or the kernel heap's); walking (find()) is also allowed in the stopped world, since tables are only ever added and
// entries are single aligned words. None of them flushes other CPUs' TLBs: see arch/TlbShootdown.h.

#include "arch/AsmOffsets.h"
#include "libos/base/Result.h"
#include "libos/memory/PageAllocator.h"

#include <cstdint>
#include <optional>

namespace arch {

struct PageFlags {
    bool readable = true; ///< false: the frame is kept but every access faults (PROT_NONE)
    bool writable = false;
    bool executable = false;
    bool uncached = false;
    bool borrowed = false; ///< the frame belongs to somebody else (a file, a device): unmap() does not free it
};

struct PageMapping {
    memory::PhysicalAddress frame; ///< of the 4 KiB page, also inside a large page
    PageFlags flags;
};

/// Where the kernel reads and writes physical memory.
inline void* direct_map(memory::PhysicalAddress address) {
    return reinterpret_cast<void*>(DIRECT_MAP_BASE + address);
}

/// Of a pointer into the direct map or the libOS' own image.
inline memory::PhysicalAddress physical_address_of(const void* pointer) {
    auto address = reinterpret_cast<uint64_t>(pointer);
    return address >= DIRECT_MAP_BASE ? address - DIRECT_MAP_BASE : address - KERNEL_OFFSET;
}

// Upper half, by 512 GiB slots of the top-level table.
inline constexpr uint64_t mmio_base = 0xffffc00000000000;  ///< device memory
inline constexpr uint64_t heap_base = 0xffffc80000000000;  ///< large kernel allocations
inline constexpr uint64_t stack_base = 0xffffd00000000000; ///< kernel stacks with guard pages
inline constexpr uint64_t app_end = 0x00007ffffffff000;    ///< the app lives below

/// Builds the final tables: the direct map of [0, end_of_memory) and nothing else; switches to them with
/// load_page_table(). Boot CPU only, once, on the boot tables.
base::Result<> initialize_page_table(memory::PageAllocator& frames, uint64_t end_of_memory);
/// CR3 of this CPU, and the paging features of CR4.
void load_page_table();
memory::PhysicalAddress page_table_root();

/// Maps a 4 KiB page; the address must not be mapped. Error::NoMemory when a table cannot be had.
base::Result<> map_page(uint64_t address, memory::PhysicalAddress frame, PageFlags flags);
/// nullopt if nothing is mapped there.
std::optional<PageMapping> find_page(uint64_t address);
/// Removes the mapping and flushes it on this CPU; returns what was there.
std::optional<PageMapping> unmap_page(uint64_t address);
/// Gives a mapped page another frame or flags and flushes it on this CPU.
void change_page(uint64_t address, memory::PhysicalAddress frame, PageFlags flags);
/// The next address >= `address` and < `end` at which a page may be mapped: skips absent tables. `end` if none.
uint64_t next_mapped_candidate(uint64_t address, uint64_t end);

void flush_page(uint64_t address);
void flush_all_pages();

} // namespace arch
