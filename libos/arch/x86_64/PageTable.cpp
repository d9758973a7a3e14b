#include "arch/PageTable.h"
#include "arch/Registers.h"
#include "libos/base/Assert.h"
#include "libos/base/Bits.h"

#include <atomic>

namespace arch {

namespace {

// Intel SDM vol. 3, table 4-20. Bits 9 to 11 are the system's.
constexpr uint64_t present = 1u << 0;
constexpr uint64_t writable = 1u << 1;
constexpr uint64_t write_through = 1u << 3;
constexpr uint64_t cache_disable = 1u << 4;
constexpr uint64_t large = 1u << 7;
constexpr uint64_t global = 1u << 8;
constexpr uint64_t borrowed = 1u << 9;
constexpr uint64_t occupied = 1u << 10; ///< a frame is here even if not present
constexpr uint64_t no_execute = uint64_t{1} << 63;
constexpr uint64_t address_mask = 0x000ffffffffff000;

constinit memory::PageAllocator* g_frames = nullptr;
constinit memory::PhysicalAddress g_root = 0;

uint64_t* table_at(memory::PhysicalAddress address) {
    return static_cast<uint64_t*>(direct_map(address));
}

unsigned index_at(uint64_t address, unsigned level) {
    return (address >> (12 + 9 * level)) & 511;
}

uint64_t load(uint64_t& entry) {
    return std::atomic_ref(entry).load(std::memory_order_acquire);
}
// release: a walker on another CPU (hardware or stopped world) that sees the entry sees the zeroed table behind it.
void store(uint64_t& entry, uint64_t value) {
    std::atomic_ref(entry).store(value, std::memory_order_release);
}

uint64_t encode(memory::PhysicalAddress frame, PageFlags flags) {
    uint64_t entry = (frame & address_mask) | occupied;
    if (flags.readable)
        entry |= present;
    if (flags.writable)
        entry |= writable;
    if (!flags.executable)
        entry |= no_execute;
    if (flags.uncached)
        entry |= cache_disable | write_through;
    if (flags.borrowed)
        entry |= borrowed;
    return entry;
}

PageFlags decode(uint64_t entry) {
    return {.readable = (entry & present) != 0,
            .writable = (entry & writable) != 0,
            .executable = (entry & no_execute) == 0,
            .uncached = (entry & cache_disable) != 0,
            .borrowed = (entry & borrowed) != 0};
}

/// The last-level entry, or nullptr if a table or a large page is in the way.
uint64_t* find_entry(uint64_t address) {
    uint64_t* table = table_at(g_root);
    for (unsigned level = 3; level > 0; --level) {
        uint64_t entry = load(table[index_at(address, level)]);
        if ((entry & present) == 0 || (entry & large) != 0)
            return nullptr;
        table = table_at(entry & address_mask);
    }
    return &table[index_at(address, 0)];
}

base::Result<uint64_t*> make_entry(uint64_t address) {
    uint64_t* table = table_at(g_root);
    for (unsigned level = 3; level > 0; --level) {
        uint64_t& entry = table[index_at(address, level)];
        if ((load(entry) & present) == 0)
            store(entry, TRY(g_frames->allocate_zeroed_page()) | present | writable);
        ASSERT((load(entry) & large) == 0);
        table = table_at(load(entry) & address_mask);
    }
    return &table[index_at(address, 0)];
}

} // namespace

base::Result<> initialize_page_table(memory::PageAllocator& frames, uint64_t end_of_memory) {
    g_frames = &frames;
    g_root = TRY(frames.allocate_zeroed_page());
    bool has_1g = (cpuid(0x80000001).edx & (1u << 26)) != 0;
    uint64_t* root = table_at(g_root);
    uint64_t pdpt = 0, pd = 0;
    for (uint64_t address = 0; address < end_of_memory;) {
        uint64_t virtual_address = DIRECT_MAP_BASE + address;
        if (pdpt == 0 || index_at(virtual_address, 2) == 0) {
            if ((root[index_at(virtual_address, 3)] & present) == 0) {
                pdpt = TRY(frames.allocate_zeroed_page());
                root[index_at(virtual_address, 3)] = pdpt | present | writable;
            }
        }
        uint64_t& entry = table_at(pdpt)[index_at(virtual_address, 2)];
        if (has_1g) {
            entry = address | present | writable | large | global | no_execute;
            address += uint64_t{1} << 30;
            continue;
        }
        if (entry == 0) {
            pd = TRY(frames.allocate_zeroed_page());
            entry = pd | present | writable;
        }
        table_at(pd)[index_at(virtual_address, 1)] = address | present | writable | large | global | no_execute;
        address += 0x200000;
    }
    return {};
}

void load_page_table() {
    write_cr3(g_root);
    write_cr4(read_cr4() | (1u << 7)); // PGE
}

memory::PhysicalAddress page_table_root() {
    return g_root;
}

base::Result<> map_page(uint64_t address, memory::PhysicalAddress frame, PageFlags flags) {
    uint64_t* entry = TRY(make_entry(address));
    ASSERT((*entry & occupied) == 0);
    store(*entry, encode(frame, flags));
    return {};
}

std::optional<PageMapping> find_page(uint64_t address) {
    uint64_t* table = table_at(g_root);
    for (unsigned level = 3;; --level) {
        uint64_t entry = load(table[index_at(address, level)]);
        if (level == 0)
            return (entry & occupied) != 0 ? std::optional(PageMapping{entry & address_mask, decode(entry)})
                                           : std::nullopt;
        if ((entry & present) == 0)
            return std::nullopt;
        if ((entry & large) != 0) {
            uint64_t size = uint64_t{4096} << (9 * level);
            uint64_t frame = ((entry & address_mask) & ~(size - 1)) + (address & (size - 1) & ~uint64_t{4095});
            return PageMapping{frame, decode(entry)};
        }
        table = table_at(entry & address_mask);
    }
}

std::optional<PageMapping> unmap_page(uint64_t address) {
    uint64_t* entry = find_entry(address);
    if (entry == nullptr || (*entry & occupied) == 0)
        return std::nullopt;
    PageMapping mapping{*entry & address_mask, decode(*entry)};
    store(*entry, 0);
    flush_page(address);
    return mapping;
}

void change_page(uint64_t address, memory::PhysicalAddress frame, PageFlags flags) {
    uint64_t* entry = find_entry(address);
    ASSERT(entry != nullptr && (*entry & occupied) != 0);
    store(*entry, encode(frame, flags));
    flush_page(address);
}

uint64_t next_mapped_candidate(uint64_t address, uint64_t end) {
    while (address < end) {
        uint64_t* table = table_at(g_root);
        unsigned level = 3;
        for (; level > 0; --level) {
            uint64_t entry = load(table[index_at(address, level)]);
            if ((entry & present) == 0 || (entry & large) != 0)
                break;
            table = table_at(entry & address_mask);
        }
        if (level == 0 && (load(table[index_at(address, 0)]) & occupied) != 0)
            return address;
        uint64_t size = uint64_t{4096} << (9 * level);
        address = base::align_down(address, size) + size;
    }
    return end;
}

void flush_page(uint64_t address) {
    asm volatile("invlpg (%0)" ::"r"(address) : "memory");
}

void flush_all_pages() {
    write_cr3(read_cr3());
}

} // namespace arch
