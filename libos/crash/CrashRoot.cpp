#include "libos/crash/CrashRoot.h"

#include "libos/control/Control.h"
#include "libos/sched/Scheduler.h"
#include "libos/trace/Rings.h"
#include "probes/wire/Core.h"

#include <arch/Crash.h>
#include <arch/PageTable.h>
#include <atomic>

extern "C" {
/// The host finds it by this name.
[[gnu::used]] wire::CrashRoot uniscope_crash_root = {};
}

namespace crash {

namespace {

constinit wire::CrashCpu g_cpus[arch::max_cpus] = {};
constinit wire::CrashRing g_rings[arch::max_cpus] = {};
constinit wire::HelloMessage g_hello = {};

template <typename T>
uint64_t address_of(const T* object) {
    return reinterpret_cast<uint64_t>(object);
}

} // namespace

void publish_crash_root() {
    auto& root = uniscope_crash_root;
    root.version = wire::crash_root_version;
    root.size = sizeof(root);
    root.threads = address_of(sched::scheduler().records());
    root.thread_capacity = sched::Scheduler::record_capacity;
    root.cpu_count = arch::cpu_count();
    root.cpus = address_of(g_cpus);
    root.rings = address_of(g_rings);
    for (uint32_t i = 0; i < arch::cpu_count(); ++i) {
        auto& cpu = arch::cpu(i);
        g_cpus[i].cpu.cpu = i;
        g_cpus[i].cpu.page_table = arch::page_table_root();
        g_cpus[i].gs_base = address_of(&cpu);
        cpu.crash_record = &g_cpus[i];
        if (trace::ring_of_cpu(i).descriptor().magic == wire::ring_magic)
            g_rings[root.ring_count++] = trace::crash_ring(i);
    }
    g_hello = control::hello();
    root.hello = address_of(&g_hello);
    root.switch_layout = arch::switch_frame_layout;
    root.user_layout = arch::trap_frame_layout;
    // release: the host, which stops the machine at any instruction, sees a whole root or none.
    std::atomic_ref(root.magic).store(wire::crash_root_magic, std::memory_order_release);
}

} // namespace crash
