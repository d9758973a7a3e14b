// Application processors: found in ACPI's MADT, started through a page below 1 MiB.
#include "libos/boot/Boot.h"
#include "libos/boot/Machine.h"
#include "libos/debug/World.h"
#include "libos/memory/PhysicalMemory.h"
#include "libos/sched/Clock.h"
#include "libos/sched/Processors.h"
#include "libos/sched/Scheduler.h"
#include "libos/sched/WaitQueue.h"
#include "libos/trace/Tracer.h"

#include <arch/ApplicationProcessor.h>
#include <arch/CpuLocal.h>
#include <arch/LocalApic.h>
#include <arch/Processor.h>
#include <new>

namespace boot {

namespace {

constexpr uint64_t patience_ns = 1'000'000'000;

constinit sched::SpinLock g_lock; // outside the scheduler's
constinit sched::WaitQueue g_starter;
constinit bool g_are_started = false;

/// On the new CPU: what happened to the others before they saw it online, page tables, code and stops of the world. The
/// lock orders it behind the starter's look at `online`: either it saw it, or it is in the queue.
void join() {
    arch::serve_cpu_requests();
    debug::world().join();
    sched::scheduler().note_alive();
    {
        sched::SpinLocker locker(g_lock);
    }
    g_starter.wake_all();
}

[[noreturn]] void enter(arch::CpuLocal& cpu) {
    arch::initialize_secondary_cpu(cpu);
    sched::scheduler().start_secondary(join);
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

/// Fewer CPUs is better than none: without memory the rest stays where it is.
bool add_cpu(uint32_t apic_id) {
    auto frames = memory::physical_memory().allocate_contiguous(sizeof(arch::CpuLocal) / 4096);
    if (!frames)
        return false;
    auto* storage = new (memory::physical_memory().to_pointer(*frames)) arch::CpuLocal{};
    storage->apic_id = apic_id;
    auto& cpu = arch::add_cpu(*storage);
    trace::add_cpu(cpu.index);
    return sched::scheduler().initialize_cpu(cpu).has_value();
}

} // namespace

void add_application_processors() {
    for (uint32_t apic_id : application_processors()) {
        if (arch::cpu_count() == arch::max_cpus || !add_cpu(apic_id))
            break;
    }
}

void start_application_processors() {
    if (g_are_started)
        return;
    g_are_started = true;
    if (arch::cpu_count() > 1 && arch::prepare_trampoline()) {
        // One at a time, since they share the trampoline; a CPU that does not come within a second is left out.
        for (uint32_t i = 1; i < arch::cpu_count(); ++i) {
            auto& cpu = arch::cpu(i);
            if (cpu.idle == nullptr)
                break;
            arch::start_secondary_cpu(cpu, cpu.idle->kernel_stack_top, enter);
            wait_until_online(cpu);
        }
        arch::release_trampoline();
    }
    sched::processors_are_up();
}

} // namespace boot
