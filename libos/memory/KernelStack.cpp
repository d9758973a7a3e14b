#include "libos/memory/KernelStack.h"

#include "libos/memory/PhysicalMemory.h"
#include "libos/sched/SpinLock.h"
#include "libos/sched/Thread.h"

#include <arch/PageTable.h>

namespace memory {

namespace {

constexpr uint64_t size = sched::Thread::kernel_stack_size;
constexpr uint64_t slot_size = 2 * size; // the lower half is never mapped

constinit sched::SpinLock g_lock; // leaf but for the frames'
constinit uint64_t g_next = arch::stack_base;
constinit uint64_t g_first_free = 0; // linked through the first word of each free stack

} // namespace

base::Result<KernelStack> allocate_kernel_stack() {
    sched::SpinLocker locker(g_lock);
    if (g_first_free != 0) {
        uint64_t bottom = g_first_free;
        g_first_free = *reinterpret_cast<uint64_t*>(bottom);
        return KernelStack{bottom, bottom + size};
    }
    uint64_t bottom = g_next + size;
    for (uint64_t address = bottom; address < bottom + size; address += arch::page_size) {
        auto frame = physical_memory().allocate_zeroed_page();
        auto mapped = frame ? arch::map_page(address, *frame, {.writable = true}) : base::fail(base::Error::NoMemory);
        if (mapped)
            continue;
        if (frame)
            physical_memory().free_page(*frame);
        while (address > bottom) {
            address -= arch::page_size;
            physical_memory().free_page(arch::unmap_page(address)->frame);
        }
        return base::fail(base::Error::NoMemory);
    }
    g_next += slot_size;
    return KernelStack{bottom, bottom + size};
}

void free_kernel_stack(KernelStack stack) {
    sched::SpinLocker locker(g_lock);
    *reinterpret_cast<uint64_t*>(stack.bottom) = g_first_free;
    g_first_free = stack.bottom;
}

bool is_kernel_stack_guard(uint64_t address) {
    return address >= arch::stack_base && address < g_next && (address - arch::stack_base) % slot_size < size;
}

} // namespace memory
