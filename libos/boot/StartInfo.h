#pragma once
// What a PVH boot loader hands over. Source: Xen, xen/include/public/arch-x86/hvm/start_info.h. All addresses are
// physical and everything is untrusted as far as its bounds go.

#include <cstdint>

namespace boot {

inline constexpr uint32_t start_info_magic = 0x336ec578;

struct StartInfo {
    uint32_t magic;
    uint32_t version; ///< 1: the memory map is there
    uint32_t flags;
    uint32_t module_count;
    uint64_t modules;
    uint64_t command_line;
    uint64_t rsdp;
    uint64_t memory_map;
    uint32_t memory_map_entries;
    uint32_t reserved;
};

struct Module {
    uint64_t address;
    uint64_t size;
    uint64_t command_line;
    uint64_t reserved;
};

struct MemoryMapEntry {
    uint64_t address;
    uint64_t size;
    uint32_t type; ///< 1 is RAM
    uint32_t reserved;
};

} // namespace boot
