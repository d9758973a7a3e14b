#pragma once
// PhysicalMemory: every frame of RAM that nobody has yet.
//
// Frames that were never used come from a cursor that walks the regions, so boot touches none of them; freed frames are
// linked through themselves. Contiguous runs (device rings, trace buffers) come from the cursor only and are kept for
// ever. Any context but an NMI; one leaf lock.

#include "libos/memory/PageAllocator.h"
#include "libos/sched/SpinLock.h"

#include <array>
#include <cstddef>

namespace memory {

class PhysicalMemory final : public PageAllocator {
public:
    constexpr PhysicalMemory() = default;

    /// Boot only: [start, end) is RAM that may be given out. Partial pages at its ends are left alone.
    void add_region(PhysicalAddress start, PhysicalAddress end);
    /// Boot only, before any allocation: cuts [start, end) out of the regions.
    void reserve(PhysicalAddress start, PhysicalAddress end);

    base::Result<PhysicalAddress> allocate_zeroed_page() override;
    base::Result<PhysicalAddress> allocate_page() override;
    void free_page(PhysicalAddress page) override;
    base::Result<PhysicalAddress> allocate_adjacent_pages(size_t count) override { return allocate_contiguous(count); }
    void* to_pointer(PhysicalAddress page) override;

    /// `pages` adjacent frames, zeroed, aligned to `alignment` bytes (a power of two >= 4096).
    /// Without `zeroed` the contents are whatever was there.
    base::Result<PhysicalAddress> allocate_contiguous(size_t pages, uint64_t alignment = 4096, bool zeroed = true);

    uint64_t free_pages() const;
    /// For the stopped world: allocation would wait for a parked CPU.
    bool is_locked() const { return m_lock.is_held(); }
    uint64_t total_pages() const { return m_total; }
    /// One past the highest byte of RAM that was added.
    PhysicalAddress end() const { return m_end; }
    /// True if the whole page is RAM that was added, in use or not: what a debugger may read.
    bool is_ram(PhysicalAddress address) const;

private:
    struct Region {
        PhysicalAddress next; ///< first frame never given out
        PhysicalAddress end;
    };
    static constexpr size_t max_regions = 32;

    void insert(PhysicalAddress start, PhysicalAddress end);

    mutable sched::SpinLock m_lock;
    std::array<Region, max_regions> m_regions{};
    std::array<Region, max_regions> m_ram{};
    size_t m_region_count = 0;
    size_t m_ram_count = 0;
    PhysicalAddress m_first_free = 0; ///< list through the frames; 0 ends it
    uint64_t m_free = 0;
    uint64_t m_total = 0;
    PhysicalAddress m_end = 0;
};

PhysicalMemory& physical_memory();

} // namespace memory
