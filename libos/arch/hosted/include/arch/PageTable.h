#pragma once
// Contract header for hosted unit tests: a page table in a map, over an arena of memory that stands for the physical
// one. Stateful and not thread-safe: one test at a time.

#include "libos/base/Assert.h"
#include "libos/base/Result.h"
#include "libos/memory/PageAllocator.h"

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace arch {

struct PageFlags {
    bool readable = true;
    bool writable = false;
    bool executable = false;
    bool uncached = false;
    bool borrowed = false;
};

struct PageMapping {
    memory::PhysicalAddress frame;
    PageFlags flags;
};

inline constexpr uint64_t app_end = 0x00007ffffffff000;

/// The test's machine.
struct HostedMachine {
    std::vector<std::byte> memory;
    std::map<uint64_t, PageMapping> pages;
    /// map_page() answers Error::NoMemory when it has come down to 0.
    uint64_t map_budget = UINT64_MAX;

    static HostedMachine& instance() {
        static HostedMachine machine;
        return machine;
    }
    void reset(uint64_t bytes) {
        memory.assign(bytes, std::byte{0});
        pages.clear();
        map_budget = UINT64_MAX;
    }
};

inline void* direct_map(memory::PhysicalAddress address) {
    auto& memory = HostedMachine::instance().memory;
    ASSERT(address < memory.size());
    return memory.data() + address;
}

inline base::Result<> map_page(uint64_t address, memory::PhysicalAddress frame, PageFlags flags) {
    auto& machine = HostedMachine::instance();
    if (machine.map_budget == 0)
        return base::fail(base::Error::NoMemory);
    --machine.map_budget;
    ASSERT(!machine.pages.contains(address));
    machine.pages[address] = {frame, flags};
    return {};
}

inline std::optional<PageMapping> find_page(uint64_t address) {
    auto& pages = HostedMachine::instance().pages;
    auto it = pages.find(address & ~uint64_t{4095});
    return it != pages.end() ? std::optional(it->second) : std::nullopt;
}

inline std::optional<PageMapping> unmap_page(uint64_t address) {
    auto found = find_page(address);
    HostedMachine::instance().pages.erase(address);
    return found;
}

inline void change_page(uint64_t address, memory::PhysicalAddress frame, PageFlags flags) {
    ASSERT(find_page(address));
    HostedMachine::instance().pages[address] = {frame, flags};
}

inline uint64_t next_mapped_candidate(uint64_t address, uint64_t end) {
    auto& pages = HostedMachine::instance().pages;
    auto it = pages.lower_bound(address);
    return it != pages.end() && it->first < end ? it->first : end;
}

} // namespace arch
