#include "arch/CpuRequests.h"
#include "arch/CpuLocal.h"
#include "arch/LocalApic.h"
#include "arch/PageTable.h"
#include "arch/Processor.h"
#include "arch/Registers.h"
#include "arch/TlbShootdown.h"

namespace arch {

namespace {

/// Newest request numbers. A requester takes the next number; a CPU that serves up to number N has served all before.
constinit std::atomic<uint64_t> g_flush_requests{0};
constinit std::atomic<uint64_t> g_synchronize_requests{0};

/// Waits until every other running CPU's counter has reached `number`.
void wait_for_others(std::atomic<uint64_t> CpuLocal::* counter, uint64_t number) {
    uint32_t self = this_cpu().index;
    for (uint32_t i = 0; i < cpu_count(); ++i) {
        CpuLocal& other = cpu(i);
        // `online` sequentially consistent, after the request's: a CPU that is not seen online yet sees the request in
        // what it serves when it is. The counter with acquire: pairs with the release in serve_cpu_requests(), the
        // other's accesses before it are over.
        while (i != self && other.online.load() && !other.parked.load(std::memory_order_acquire) &&
               (other.*counter).load(std::memory_order_acquire) < number)
            relax();
    }
}

} // namespace

void serve_cpu_requests() {
    CpuLocal& self = this_cpu();
    // The page table or text writes before a request are visible before the flush or the serialising cpuid.
    // Sequentially consistent for a CPU that has just said that it is online: wait_for_others().
    uint64_t flushes = g_flush_requests.load();
    if (self.flushed.load(std::memory_order_relaxed) < flushes) {
        flush_all_pages();
        self.flushed.store(flushes, std::memory_order_release);
    }
    uint64_t synchronizations = g_synchronize_requests.load();
    if (self.synchronized.load(std::memory_order_relaxed) < synchronizations) {
        cpuid(0);
        self.synchronized.store(synchronizations, std::memory_order_release);
    }
}

void shoot_down_tlbs() {
    if (cpu_count() < 2)
        return;
    uint64_t number = g_flush_requests.fetch_add(1) + 1;
    send_interrupt_to_others(request_vector);
    wait_for_others(&CpuLocal::flushed, number);
}

void synchronize_instruction_streams() {
    if (cpu_count() > 1) {
        uint64_t number = g_synchronize_requests.fetch_add(1) + 1;
        send_interrupt_to_others(request_vector);
        wait_for_others(&CpuLocal::synchronized, number);
    }
    cpuid(0);
}

} // namespace arch
