// Application processors: found in ACPI's MADT, started through a page below 1 MiB.
#include "libos/boot/Boot.h"
#include "libos/boot/Machine.h"
#include "libos/memory/PhysicalMemory.h"
#include "libos/sched/Clock.h"
#include "libos/sched/Scheduler.h"
#include "libos/sched/WaitQueue.h"
#include "libos/trace/Tracer.h"

#include <arch/ApplicationProcessor.h>
#include <arch/CpuLocal.h>
#include <arch/LocalApic.h>
#include <new>

namespace boot {

namespace {

constexpr uint64_t patience_ns = 1'000'000'000;

constinit sched::SpinLock g_lock; // outside the scheduler's
constinit sched::WaitQueue g_starter;

/// On the new CPU. The lock orders this behind the starter's look at `online`: either it saw it, or it is in the queue.
void tell_starter() {
    {
        sched::SpinLocker locker(g_lock);
    }
    g_starter.wake_all();
}

[[noreturn]] void enter(arch::CpuLocal& cpu) {
    arch::initialize_secondary_cpu(cpu);
    sched::scheduler().start_secondary(tell_starter);
}

/// Asleep, not spinning: with as many virtual CPUs as real ones the new one may have to run where this one does.
void wait_until_online(arch::CpuLocal& cpu) {
    auto state = g_lock.lock();
    sched::Deadline deadline = sched::deadline_after(patience_ns);
    while (!cpu.online.load(std::memory_order_acquire)) {
        if (!g_starter.wait(g_lock, state, deadline))
            break;
    }
    g_lock.unlock(state);
}

} // namespace

void start_application_processors() {
    auto ids = application_processors();
    if (ids.empty() || !arch::prepare_trampoline())
        return;
    for (uint32_t apic_id : ids) {
        if (arch::cpu_count() == arch::max_cpus)
            break;
        auto frames = memory::physical_memory().allocate_contiguous(sizeof(arch::CpuLocal) / 4096);
        if (!frames)
            break; // fewer CPUs is better than none
        auto* storage = new (memory::physical_memory().to_pointer(*frames)) arch::CpuLocal{};
        storage->apic_id = apic_id;
        arch::CpuLocal& cpu = arch::add_cpu(*storage);
        trace::add_cpu(cpu.index);
        auto stack = sched::scheduler().initialize_cpu(cpu);
        if (!stack)
            break;
        arch::start_secondary_cpu(cpu, cpu.idle->kernel_stack_top, enter);
        // One at a time, since they share the trampoline; a CPU that does not come within a second is left out.
        wait_until_online(cpu);
    }
    arch::release_trampoline();
}

} // namespace boot
