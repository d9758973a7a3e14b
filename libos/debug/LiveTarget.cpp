#include "libos/debug/LiveTarget.h"

#include "libos/debug/GuestMemory.h"
#include "libos/debug/TextPatcher.h"
#include "libos/debug/ThreadView.h"
#include "libos/debug/arch/RegisterFiles.h"
#include "libos/sched/Scheduler.h"

namespace debug {

using base::Error;
using gdbstub::Answer;
using gdbstub::refuse;
using gdbstub::ThreadId;
using sched::SpinLocker;
using sched::Thread;

namespace {

/// The scheduler's lock is held: so a thread stays, and on its CPU or off it.
Thread* find(ThreadId id) {
    Thread* thread = sched::scheduler().find(id);
    return thread != nullptr && !thread->is_kernel() ? thread : nullptr;
}

std::unexpected<gdbstub::Refusal> no_such_thread() {
    return refuse(Error::NoSuchProcess, "there is no such thread");
}

} // namespace

void LiveTarget::for_each_thread(gdbstub::FunctionRef<bool(const gdbstub::ThreadInfo&)> visit) {
    SpinLocker locker(sched::scheduler().lock());
    for (Thread* thread = oldest_thread(); thread != nullptr; thread = thread->all_previous) {
        if (!thread->is_kernel() && !visit(describe(*thread)))
            return;
    }
}

Answer<gdbstub::ThreadInfo> LiveTarget::thread(ThreadId id) {
    SpinLocker locker(sched::scheduler().lock());
    Thread* thread = find(id);
    if (thread == nullptr)
        return no_such_thread();
    auto info = describe(*thread);
    info.name = {}; // the thread may be gone when it is read
    return info;
}

Answer<> LiveTarget::read_registers(ThreadId id, gdbstub::RegisterFile& out) {
    SpinLocker locker(sched::scheduler().lock());
    Thread* thread = find(id);
    if (thread == nullptr)
        return no_such_thread();
    if (thread->state.load(std::memory_order_relaxed) == sched::ThreadState::Running)
        return refuse(Error::Busy, "the thread runs: its registers can be read while it waits");
    arch_registers::from_frame(thread->app_frame(), thread->fs_base, thread->fpu_state, true, out);
    return {};
}

Answer<> LiveTarget::write_registers(ThreadId, const gdbstub::RegisterFile&) {
    return refuse(Error::NotPermitted, "nothing is written while the program runs");
}

size_t LiveTarget::read_memory(uint64_t address, std::span<uint8_t> out) {
    size_t done = guest_memory::read_live(address, out);
    text_patcher().hide_changes(address, out.first(done));
    return done;
}

Answer<uint64_t> LiveTarget::address(ThreadId id, uint64_t offset, uint64_t) {
    SpinLocker locker(sched::scheduler().lock());
    Thread* thread = find(id);
    if (thread == nullptr)
        return no_such_thread();
    return thread_local_address(*thread, offset);
}

} // namespace debug
