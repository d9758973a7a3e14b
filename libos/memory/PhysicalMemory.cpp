#include "libos/memory/PhysicalMemory.h"

#include "libos/base/Assert.h"
#include "libos/base/Bits.h"

#include <arch/PageTable.h>
#include <cstring>

namespace memory {

namespace {
constinit PhysicalMemory g_physical_memory;
constexpr uint64_t page = 4096;
} // namespace

PhysicalMemory& physical_memory() {
    return g_physical_memory;
}

void PhysicalMemory::insert(PhysicalAddress start, PhysicalAddress end) {
    if (start >= end || m_region_count == max_regions)
        return;
    m_regions[m_region_count++] = {start, end};
    m_free += (end - start) / page;
}

void PhysicalMemory::add_region(PhysicalAddress start, PhysicalAddress end) {
    start = base::align_up(start, page);
    end = base::align_down(end, page);
    if (start >= end || m_ram_count == max_regions)
        return;
    m_ram[m_ram_count++] = {start, end};
    m_total += (end - start) / page;
    if (end > m_end)
        m_end = end;
    insert(start, end);
}

void PhysicalMemory::reserve(PhysicalAddress start, PhysicalAddress end) {
    start = base::align_down(start, page);
    end = base::align_up(end, page);
    for (size_t i = 0; i < m_region_count; ++i) {
        Region region = m_regions[i];
        if (end <= region.next || start >= region.end)
            continue;
        m_free -= (region.end - region.next) / page;
        m_regions[i] = m_regions[--m_region_count];
        insert(region.next, start < region.next ? region.next : start);
        insert(end > region.end ? region.end : end, region.end);
        i = static_cast<size_t>(-1); // the table changed: look again from the start
    }
}

base::Result<PhysicalAddress> PhysicalMemory::allocate_page() {
    sched::SpinLocker locker(m_lock);
    if (m_first_free != 0) {
        PhysicalAddress frame = m_first_free;
        m_first_free = *static_cast<PhysicalAddress*>(arch::direct_map(frame));
        --m_free;
        return frame;
    }
    for (size_t i = m_region_count; i-- > 0;) {
        auto& region = m_regions[i];
        if (region.next < region.end) {
            PhysicalAddress frame = region.next;
            region.next += page;
            --m_free;
            return frame;
        }
    }
    return base::fail(base::Error::NoMemory);
}

base::Result<PhysicalAddress> PhysicalMemory::allocate_zeroed_page() {
    PhysicalAddress frame = TRY(allocate_page());
    std::memset(arch::direct_map(frame), 0, page);
    return frame;
}

void PhysicalMemory::free_page(PhysicalAddress frame) {
    ASSERT(base::is_aligned(frame, page) && frame != 0);
    sched::SpinLocker locker(m_lock);
    *static_cast<PhysicalAddress*>(arch::direct_map(frame)) = m_first_free;
    m_first_free = frame;
    ++m_free;
}

void* PhysicalMemory::to_pointer(PhysicalAddress frame) {
    return arch::direct_map(frame);
}

base::Result<PhysicalAddress> PhysicalMemory::allocate_contiguous(size_t pages, uint64_t alignment, bool zeroed) {
    PhysicalAddress found = 0;
    {
        sched::SpinLocker locker(m_lock);
        // Beside what allocate_page() gives out, so that few of the host's huge pages are touched.
        for (size_t i = m_region_count; i-- > 0;) {
            auto& region = m_regions[i];
            PhysicalAddress start = base::align_up(region.next, alignment);
            if (start >= region.end || region.end - start < pages * page)
                continue;
            // What alignment leaves over before the run goes to the free list.
            for (PhysicalAddress rest = region.next; rest < start; rest += page) {
                *static_cast<PhysicalAddress*>(arch::direct_map(rest)) = m_first_free;
                m_first_free = rest;
            }
            region.next = start + pages * page;
            m_free -= pages;
            found = start;
            break;
        }
    }
    if (found == 0)
        return base::fail(base::Error::NoMemory);
    if (zeroed)
        std::memset(arch::direct_map(found), 0, pages * page);
    return found;
}

uint64_t PhysicalMemory::free_pages() const {
    sched::SpinLocker locker(m_lock);
    return m_free;
}

bool PhysicalMemory::is_ram(PhysicalAddress address) const {
    for (size_t i = 0; i < m_ram_count; ++i) {
        if (address >= m_ram[i].next && address < m_ram[i].end)
            return true;
    }
    return false;
}

} // namespace memory
