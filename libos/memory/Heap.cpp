#include "libos/memory/Heap.h"

#include "libos/base/Assert.h"
#include "libos/base/Bits.h"
#include "libos/memory/PhysicalMemory.h"
#include "libos/sched/SpinLock.h"

#include <arch/PageTable.h>
#include <arch/TlbShootdown.h>
#include <new>

namespace memory {

namespace {

constexpr size_t page = 4096;
constexpr size_t smallest_class = 32;
constexpr size_t class_count = 7; // 32 ... 2048

/// At the start of each frame that serves small blocks, and of the page before each large block.
struct alignas(32) Header {
    uint64_t magic;
    uint64_t size; ///< class size, or pages of a large block including this header's
};
constexpr uint64_t small_magic = 0x756e736c61627331;
constexpr uint64_t large_magic = 0x756e6c6172676531;

struct FreeBlock {
    FreeBlock* next;
};

struct Heap {
    sched::SpinLock lock;
    FreeBlock* classes[class_count] = {};
    uint64_t next_range = arch::heap_base;
    // Address ranges of freed large blocks, reused first-fit; the records are small blocks themselves.
    struct Range {
        uint64_t start;
        uint64_t pages;
    };
    static constexpr size_t max_ranges = 256;
    Range ranges[max_ranges] = {};
    size_t range_count = 0;
};

constinit Heap g_heap;

void* allocate_small(size_t size) {
    unsigned index = 0;
    size_t class_size = smallest_class;
    while (class_size < size) {
        class_size *= 2;
        ++index;
    }
    sched::SpinLocker locker(g_heap.lock);
    if (g_heap.classes[index] == nullptr) {
        auto frame = physical_memory().allocate_page();
        if (!frame)
            return nullptr;
        auto* start = static_cast<std::byte*>(arch::direct_map(*frame));
        new (start) Header{small_magic, class_size};
        for (size_t offset = class_size < sizeof(Header) ? sizeof(Header) : class_size; offset + class_size <= page;
             offset += class_size)
            g_heap.classes[index] = new (start + offset) FreeBlock{g_heap.classes[index]};
    }
    FreeBlock* block = g_heap.classes[index];
    g_heap.classes[index] = block->next;
    return block;
}

uint64_t take_range(uint64_t pages) {
    sched::SpinLocker locker(g_heap.lock);
    for (size_t i = 0; i < g_heap.range_count; ++i) {
        auto& range = g_heap.ranges[i];
        if (range.pages < pages)
            continue;
        uint64_t start = range.start;
        range.start += pages * page;
        range.pages -= pages;
        if (range.pages == 0)
            range = g_heap.ranges[--g_heap.range_count];
        return start;
    }
    uint64_t start = g_heap.next_range;
    g_heap.next_range += (pages + 1) * page; // an unmapped page between blocks catches overruns
    return start;
}

void return_range(uint64_t start, uint64_t pages) {
    sched::SpinLocker locker(g_heap.lock);
    // A full table leaks address space, of which there are 8 TiB; the memory itself is already free.
    if (g_heap.range_count < Heap::max_ranges)
        g_heap.ranges[g_heap.range_count++] = {start, pages};
}

void unmap_range(uint64_t start, uint64_t pages) {
    for (uint64_t i = 0; i < pages; ++i) {
        if (auto mapping = arch::unmap_page(start + i * page))
            physical_memory().free_page(mapping->frame);
    }
}

constinit sched::SpinLock g_large_lock; // page table entries of the heap's range

void* allocate_large(size_t size) {
    uint64_t pages = base::align_up(uint64_t{size}, page) / page + 1;
    uint64_t start = take_range(pages);
    bool complete = true;
    {
        sched::SpinLocker locker(g_large_lock);
        for (uint64_t i = 0; i < pages && complete; ++i) {
            auto frame = physical_memory().allocate_zeroed_page();
            complete = frame && arch::map_page(start + i * page, *frame, {.writable = true});
        }
        if (!complete)
            unmap_range(start, pages);
    }
    if (!complete) {
        return_range(start, pages);
        return nullptr;
    }
    new (reinterpret_cast<void*>(start)) Header{large_magic, pages};
    return reinterpret_cast<void*>(start + page);
}

void free_large(uint64_t address) {
    uint64_t start = address - page;
    auto* header = reinterpret_cast<Header*>(start);
    ASSERT(header->magic == large_magic);
    uint64_t pages = header->size;
    // The frames go back only after every CPU forgot the mapping.
    constexpr uint64_t batch = 64;
    for (uint64_t done = 0; done < pages; done += batch) {
        memory::PhysicalAddress frames[batch];
        uint64_t count = pages - done < batch ? pages - done : batch;
        {
            sched::SpinLocker locker(g_large_lock);
            for (uint64_t i = 0; i < count; ++i)
                frames[i] = arch::unmap_page(start + (done + i) * page)->frame;
        }
        arch::shoot_down_tlbs();
        for (uint64_t i = 0; i < count; ++i)
            physical_memory().free_page(frames[i]);
    }
    return_range(start, pages);
}

} // namespace

void* heap_allocate(size_t size) {
    if (size > page / 2)
        return allocate_large(size);
    return allocate_small(size);
}

void heap_free(void* block) {
    if (block == nullptr)
        return;
    auto address = reinterpret_cast<uint64_t>(block);
    if (address >= arch::heap_base) {
        free_large(address);
        return;
    }
    auto* header = reinterpret_cast<Header*>(base::align_down(address, page));
    ASSERT(header->magic == small_magic);
    unsigned index = 0;
    for (size_t class_size = smallest_class; class_size < header->size; class_size *= 2)
        ++index;
    sched::SpinLocker locker(g_heap.lock);
    g_heap.classes[index] = new (block) FreeBlock{g_heap.classes[index]};
}

} // namespace memory

const std::nothrow_t std::nothrow{};

void* operator new(size_t size, const std::nothrow_t&) noexcept {
    return memory::heap_allocate(size);
}
void* operator new[](size_t size, const std::nothrow_t&) noexcept {
    return memory::heap_allocate(size);
}
void operator delete(void* block) noexcept {
    memory::heap_free(block);
}
void operator delete(void* block, size_t) noexcept {
    memory::heap_free(block);
}
void operator delete[](void* block) noexcept {
    memory::heap_free(block);
}
void operator delete[](void* block, size_t) noexcept {
    memory::heap_free(block);
}
