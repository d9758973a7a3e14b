#include "libos/trace/StateDump.h"

#include "libos/memory/AddressSpace.h"
#include "libos/sched/Scheduler.h"
#include "libos/trace/Events.h"

namespace trace {

namespace {

void dump_thread(const sched::Thread& thread) {
    using namespace probes::kernel;
    auto status = DumpedStatus::Waiting;
    switch (thread.state.load(std::memory_order_relaxed)) {
    case sched::ThreadState::Running:
        status = DumpedStatus::Running;
        break;
    case sched::ThreadState::Runnable:
        status = DumpedStatus::WaitingForCpu;
        break;
    case sched::ThreadState::Blocked:
        status = DumpedStatus::Waiting;
        break;
    case sched::ThreadState::Exited:
        status = DumpedStatus::Dead;
        break;
    }
    auto mode = thread.is_kernel()                ? DumpedMode::Unknown
                : status == DumpedStatus::Waiting ? DumpedMode::SystemCall
                                                  : DumpedMode::User;
    statedump_process_state(detail::name_of(thread), detail::process_id, 0,
                            thread.is_kernel() ? DumpedType::KernelThread : DumpedType::UserThread, mode, status,
                            thread.cpu);
}

} // namespace

void dump_state() {
    probes::kernel::statedump_start();
    {
        auto& scheduler = sched::scheduler();
        sched::SpinLocker locker(scheduler.lock());
        for (auto* thread = scheduler.first_thread(); thread != nullptr; thread = thread->all_next)
            dump_thread(*thread);
    }
    memory::address_space().for_each_mapping([](const memory::Mapping& mapping, const char* name) {
        uint32_t flags = (mapping.protection.read ? 1u : 0) | (mapping.protection.write ? 2u : 0) |
                         (mapping.protection.execute ? 4u : 0);
        probes::kernel::statedump_vm_map(detail::process_id, mapping.start, mapping.end, flags, name);
    });
    probes::kernel::statedump_end();
}

} // namespace trace
