#include "libos/trace/Rings.h"

#include "libos/memory/PhysicalMemory.h"
#include "libos/sched/Clock.h"
#include "libos/sched/Processors.h"
#include "libos/sched/Scheduler.h"

#include "libos/base/Bits.h"
#include <arch/CpuLocal.h>
#include <arch/PageTable.h>
#include <arch/Processor.h>

#include <new>

namespace trace {

namespace {

struct CpuRing {
    probes::Ring ring;
    /// Written by the requester, cleared by the CPU when it is done.
    std::atomic<RingCommand> command{RingCommand::None};
    bool attached = false;
};

constinit CpuRing g_boot_ring; ///< there before there is a heap
constinit CpuRing g_no_ring;   ///< stands for those of CPUs that have none; stays empty
/// Set once, before the CPU comes online; release and acquire: whoever sees the ring sees it made.
constinit std::atomic<CpuRing*> g_rings[arch::max_cpus] = {&g_boot_ring};

CpuRing& ring_at(uint32_t cpu) {
    CpuRing* ring = g_rings[cpu].load(std::memory_order_acquire);
    return ring != nullptr ? *ring : g_no_ring;
}
constinit Geometry g_geometry;

uint64_t clock() {
    return arch::timestamp();
}

} // namespace

void set_geometry(Geometry wanted) {
    g_geometry = wanted;
    bool valid = base::is_power_of_two(wanted.sub_buffer_size) && base::is_power_of_two(wanted.sub_buffer_count) &&
                 wanted.sub_buffer_size >= probes::Ring::min_sub_buffer_size && wanted.sub_buffer_size <= 1u << 20 &&
                 wanted.sub_buffer_count >= 2 && wanted.sub_buffer_count <= 64;
    if (valid)
        return;
    // A flight recorder of 512 KiB a CPU, less where memory is small.
    uint64_t total = memory::physical_memory().total_pages() * arch::page_size;
    if (total >= 64u << 20)
        g_geometry = {65536, 8};
    else if (total >= 24u << 20)
        g_geometry = {16384, 8};
    else
        g_geometry = {8192, 8};
}

Geometry geometry() {
    return g_geometry;
}

bool attach_ring(uint32_t cpu) {
    uint64_t size = g_geometry.sub_buffer_size * g_geometry.sub_buffer_count;
    auto frames = memory::physical_memory().allocate_contiguous(size / arch::page_size, g_geometry.sub_buffer_size,
                                                                false); // the ring zeroes what it opens
    if (!frames)
        return false;
    auto* made = g_rings[cpu].load(std::memory_order_relaxed);
    if (made == nullptr)
        made = new (std::nothrow) CpuRing;
    if (made == nullptr)
        return false;
    auto& entry = *made;
    auto* block = reinterpret_cast<probes::CpuBlock*>(arch::cpu(cpu).probe_block);
    probes::RingConfig config{.storage = {static_cast<std::byte*>(arch::direct_map(*frames)), size},
                              .sub_buffer_size = g_geometry.sub_buffer_size,
                              .cpu_id = cpu,
                              .mode = probes::Mode::Overwrite,
                              .clock = clock};
    if (!entry.ring.attach(*block, config)) {
        if (made != &g_boot_ring)
            delete made;
        return false;
    }
    entry.attached = true;
    g_rings[cpu].store(made, std::memory_order_release);
    return true;
}

probes::Ring& ring_of_cpu(uint32_t cpu) {
    return ring_at(cpu).ring;
}

wire::CoreRing core_ring(uint32_t cpu) {
    const auto& d = ring_at(cpu).ring.descriptor();
    const auto& block = *reinterpret_cast<const probes::CpuBlock*>(d.cpu_block);
    auto totals = ring_at(cpu).ring.totals();
    wire::CoreRing ring{};
    ring.cpu = cpu;
    ring.sub_buffer_count = static_cast<uint32_t>(d.sub_buffer_count);
    ring.address = d.storage;
    ring.sub_buffer_size = d.sub_buffer_size;
    uint64_t offset = block.head.load(std::memory_order_relaxed) & 0xffffffff;
    ring.current = d.packets_opened == 0 ? 0 : (d.packets_opened - 1) % d.sub_buffer_count;
    ring.current_used = offset - ring.current * d.sub_buffer_size;
    ring.produced = totals.produced();
    ring.discarded = totals.discarded + totals.overwritten;
    return ring;
}

wire::CrashRing crash_ring(uint32_t cpu) {
    const auto& d = ring_at(cpu).ring.descriptor();
    auto& block = *reinterpret_cast<probes::CpuBlock*>(d.cpu_block);
    wire::CrashRing ring{};
    ring.ring.cpu = cpu;
    ring.ring.sub_buffer_count = static_cast<uint32_t>(d.sub_buffer_count);
    ring.ring.address = d.storage;
    ring.ring.sub_buffer_size = d.sub_buffer_size;
    ring.head = reinterpret_cast<uint64_t>(&block.head);
    ring.limit = reinterpret_cast<uint64_t>(&block.limit);
    ring.discarded = reinterpret_cast<uint64_t>(&d.events_discarded);
    return ring;
}

Totals totals() {
    Totals sum;
    for (uint32_t cpu = 0; cpu < arch::cpu_count(); ++cpu) {
        if (!ring_at(cpu).attached)
            continue;
        auto one = ring_at(cpu).ring.totals();
        sum.produced += one.produced();
        sum.discarded += one.discarded + one.overwritten;
    }
    return sum;
}

bool on_every_cpu(RingCommand command) {
    if (!sched::await_processors()) // one that comes later would not hear of it
        return false;
    for (uint32_t cpu = 0; cpu < arch::cpu_count(); ++cpu) {
        // release: the CPU that takes the command sees what led to it.
        if (ring_at(cpu).attached && arch::cpu(cpu).online)
            ring_at(cpu).command.store(command, std::memory_order_release);
    }
    uint64_t deadline = sched::boottime_ns() + 1'000'000'000;
    for (uint32_t cpu = 0; cpu < arch::cpu_count(); ++cpu) {
        while (ring_at(cpu).command.load(std::memory_order_acquire) != RingCommand::None) {
            if (sched::boottime_ns() > deadline)
                return false;
            (void)sched::scheduler().sleep_until(sched::deadline_after(1'000'000));
        }
    }
    return true;
}

void tick() {
    auto& entry = ring_at(arch::this_cpu().index);
    if (!entry.attached)
        return;
    entry.ring.tick();
    RingCommand command = entry.command.load(std::memory_order_acquire);
    switch (command) {
    case RingCommand::None:
        return;
    case RingCommand::Flush:
        if (!entry.ring.flush())
            return; // a probe that this tick interrupted holds a place: the next tick tries again
        break;
    case RingCommand::StartStreamingAnew:
        entry.ring.start_streaming(probes::Ring::History::Drop);
        break;
    case RingCommand::StartStreamingKeep:
        entry.ring.start_streaming(probes::Ring::History::Keep);
        break;
    case RingCommand::StopStreaming:
        entry.ring.stop_streaming();
        break;
    }
    entry.command.store(RingCommand::None, std::memory_order_release);
}

} // namespace trace
