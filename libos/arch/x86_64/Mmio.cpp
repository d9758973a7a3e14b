#include "arch/Mmio.h"
#include "arch/PageTable.h"
#include "libos/base/Bits.h"
#include "libos/sched/SpinLock.h"

namespace arch {

namespace {
constinit sched::SpinLock g_lock;
constinit uint64_t g_next = mmio_base;
} // namespace

base::Result<void*> map_mmio(uint64_t physical, size_t size) {
    uint64_t start = base::align_down(physical, 4096);
    uint64_t end = base::align_up(physical + size, 4096);
    sched::SpinLocker locker(g_lock);
    uint64_t address = g_next;
    g_next += end - start + 4096;
    for (uint64_t offset = 0; offset < end - start; offset += 4096)
        TRY(map_page(address + offset, start + offset, {.writable = true, .uncached = true, .borrowed = true}));
    return reinterpret_cast<void*>(address + (physical - start));
}

} // namespace arch
