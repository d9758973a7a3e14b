// AddressSpace's answer to page faults.
#include "libos/base/Bits.h"
#include "libos/memory/AddressSpace.h"
#include "libos/memory/FileView.h"
#include "libos/memory/PhysicalMemory.h"

#include <arch/PageTable.h>
#include <arch/Processor.h>
#include <arch/TlbShootdown.h>
#include <cstring>

namespace memory {

namespace {
constexpr uint64_t page = arch::page_size;
} // namespace

base::Result<> AddressSpace::resolve_in(const Mapping& mapping, uint64_t address, Access access) {
    const auto& p = mapping.protection;
    bool allowed = access == Access::Write     ? p.write
                   : access == Access::Execute ? p.execute
                                               : p.read || p.write || p.execute;
    if (!allowed)
        return base::fail(base::Error::Access);
    arch::PageFlags flags{.writable = p.write, .executable = p.execute};
    auto present = arch::find_page(address);
    if (present) {
        if (access != Access::Write || present->flags.writable)
            return {}; // another CPU was faster, or this CPU's TLB is stale
        if (!present->flags.borrowed || mapping.shared) {
            arch::change_page(address, present->frame,
                              {.writable = true, .executable = p.execute, .borrowed = present->flags.borrowed});
            return {};
        }
        // Private file page: its own copy from now on.
        PhysicalAddress copy = TRY(physical_memory().allocate_page());
        std::memcpy(arch::direct_map(copy), arch::direct_map(present->frame), page);
        arch::change_page(address, copy, flags);
        arch::shoot_down_tlbs();
        return {};
    }
    if (mapping.view == nullptr) {
        PhysicalAddress frame = TRY(physical_memory().allocate_zeroed_page());
        if (auto mapped = arch::map_page(address, frame, flags); !mapped) {
            physical_memory().free_page(frame);
            return mapped;
        }
        ++m_resident;
        return {};
    }
    uint64_t index = (mapping.offset + (address - mapping.start)) / page;
    PhysicalAddress frame = TRY(mapping.view->frame(index));
    if (mapping.shared || access != Access::Write) {
        flags.borrowed = true;
        flags.writable = mapping.shared && p.write;
        TRY(arch::map_page(address, frame, flags));
    } else {
        PhysicalAddress copy = TRY(physical_memory().allocate_page());
        std::memcpy(arch::direct_map(copy), arch::direct_map(frame), page);
        if (auto mapped = arch::map_page(address, copy, flags); !mapped) {
            physical_memory().free_page(copy);
            return mapped;
        }
    }
    ++m_resident;
    return {};
}

base::Result<> AddressSpace::resolve(uint64_t address, Access access) {
    sched::SpinLocker locker(m_lock);
    Mapping* m = find(address);
    if (m == nullptr)
        return base::fail(base::Error::Fault);
    return resolve_in(*m, base::align_down(address, page), access);
}

} // namespace memory
