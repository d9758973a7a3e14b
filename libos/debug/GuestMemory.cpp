#include "libos/debug/GuestMemory.h"

#include "libos/memory/AddressSpace.h"
#include "libos/memory/PhysicalMemory.h"

#include <arch/PageTable.h>
#include <arch/Processor.h>
#include <cstring>

namespace debug::guest_memory {

namespace {

constexpr uint64_t page = arch::page_size;

/// The byte's place in the direct map; nullptr for holes and for device memory, which reading could change.
uint8_t* find(uint64_t address) {
    auto mapping = arch::find_page(address);
    if (!mapping || !memory::physical_memory().is_ram(mapping->frame))
        return nullptr;
    return static_cast<uint8_t*>(arch::direct_map(mapping->frame)) + address % page;
}

/// Mapped by the app, and not there yet.
bool is_untouched(uint64_t address) {
    const auto* mapping = memory::address_space().find_unlocked(address);
    return mapping != nullptr && mapping->view == nullptr && !mapping->fixed_frames;
}

/// `reads_as_zeros(address)`: of a page that is not there.
template <typename Untouched>
size_t read_pages(uint64_t address, std::span<uint8_t> out, Untouched reads_as_zeros) {
    size_t done = 0;
    while (done < out.size()) {
        uint64_t at = address + done;
        size_t step = page - at % page;
        if (step > out.size() - done)
            step = out.size() - done;
        if (const uint8_t* bytes = find(at))
            std::memcpy(out.data() + done, bytes, step);
        else if (reads_as_zeros(at))
            std::memset(out.data() + done, 0, step);
        else
            break;
        done += step;
    }
    return done;
}

} // namespace

size_t read(uint64_t address, std::span<uint8_t> out) {
    return read_pages(address, out, is_untouched);
}

size_t read_live(uint64_t address, std::span<uint8_t> out) {
    // No lock for pages that are there: tables of the page table are never freed, and all that is copied is RAM.
    return read_pages(address, out, [](uint64_t at) { return memory::address_space().reads_as_zeros(at); });
}

size_t read_present(uint64_t address, std::span<uint8_t> out) {
    return read_pages(address, out, [](uint64_t) { return false; });
}

void make_present(uint64_t address) {
    // The locks that resolving takes are free if the address space is consistent and the frames' lock is: the leader
    // checks, since a parked CPU may hold one.
    auto& space = memory::address_space();
    if (find(address) != nullptr || !space.is_consistent() || memory::physical_memory().is_locked())
        return;
    if (const auto* mapping = space.find_unlocked(address)) {
        (void)space.resolve(address, mapping->protection.write     ? memory::Access::Write
                                     : mapping->protection.execute ? memory::Access::Execute
                                                                   : memory::Access::Read);
    }
}

bool is_writable_by_debugger(uint64_t address) {
    make_present(address);
    return find(address) != nullptr;
}

bool write(uint64_t address, uint8_t byte) {
    uint8_t* place = find(address);
    if (place == nullptr)
        return false;
    *static_cast<volatile uint8_t*>(place) = byte;
    return true;
}

} // namespace debug::guest_memory
