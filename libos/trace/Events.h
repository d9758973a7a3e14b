#pragma once
// The kernel's probe sites as functions that take the kernel's own types. Any context; one nop each while off.

#include "libos/sched/Thread.h"
#include "probes/CpuBlock.h"
#include "probes/KernelEvents.h"

#include <arch/CpuLocal.h>
#include <arch/TrapFrame.h>
#include <cstdint>

namespace trace {

namespace detail {

inline constexpr int32_t priority = 20; // all threads are ordinary ones
inline constexpr int32_t process_id = 1;

inline probes::kernel::ThreadName name_of(const sched::Thread& thread) {
    return {thread.name, static_cast<int32_t>(thread.tid), priority};
}

} // namespace detail

inline void sched_switch(const sched::Thread& previous, const sched::Thread& next) {
    using probes::kernel::ThreadState;
    auto state = ThreadState::Running;
    if (previous.state.load(std::memory_order_relaxed) == sched::ThreadState::Blocked)
        state = ThreadState::Interruptible;
    else if (previous.state.load(std::memory_order_relaxed) == sched::ThreadState::Exited)
        state = ThreadState::Dead;
    probes::kernel::sched_switch(detail::name_of(previous), state, detail::name_of(next));
}

inline void sched_waking(const sched::Thread& thread) {
    probes::kernel::sched_waking(detail::name_of(thread), static_cast<int32_t>(thread.cpu));
}

inline void sched_wakeup(const sched::Thread& thread, uint32_t cpu) {
    probes::kernel::sched_wakeup(detail::name_of(thread), static_cast<int32_t>(cpu));
}

inline void sched_process_fork(const sched::Thread& parent, const sched::Thread& child) {
    probes::kernel::sched_process_fork(detail::name_of(parent), detail::name_of(child), detail::process_id);
}

inline void sched_process_exit(const sched::Thread& thread) {
    probes::kernel::sched_process_exit(detail::name_of(thread));
}

inline void sched_rename(const sched::Thread& thread) {
    probes::kernel::sched_rename(detail::name_of(thread));
}

inline void syscall_entry(const arch::TrapFrame& frame, bool known) {
    uint64_t arguments[6];
    for (unsigned i = 0; i < 6; ++i)
        arguments[i] = frame.argument(i);
    probes::kernel::syscall_entry(frame.system_call_number(), known, arguments);
}

inline void syscall_exit(uint64_t number, bool known, uint64_t result) {
    probes::kernel::syscall_exit(number, known, static_cast<int64_t>(result));
}

inline void irq_handler_entry(uint32_t line, const char* name) {
    probes::kernel::irq_handler_entry(static_cast<int32_t>(line), name);
}
inline void irq_handler_exit(uint32_t line) {
    probes::kernel::irq_handler_exit(static_cast<int32_t>(line), 1);
}

inline void page_fault_entry(const arch::TrapFrame& frame, uint64_t address) {
    if (frame.from_app())
        probes::kernel::page_fault_user(address, frame.pc(), frame.error_code);
    else
        probes::kernel::page_fault_kernel(address, frame.pc(), frame.error_code);
}
inline void page_fault_exit(uint64_t address, int result) {
    probes::kernel::page_fault_exit(address, result);
}

inline void tick_sample(const arch::TrapFrame& frame) {
    const auto* thread = arch::this_cpu().current;
    probes::kernel::tick_sample(thread != nullptr ? static_cast<int32_t>(thread->tid) : 0, frame.pc());
}

inline void futex_wait(uint64_t address, uint32_t value) {
    probes::kernel::futex_wait(address, value);
}
inline void futex_wait_exit(uint64_t address, int result) {
    probes::kernel::futex_wait_exit(address, result);
}
inline void futex_wake(uint64_t address, uint32_t wanted, uint32_t woken) {
    probes::kernel::futex_wake(address, wanted, woken);
}

inline void mm_map(uint64_t address, uint64_t length, uint64_t protection, uint64_t flags) {
    probes::kernel::mm_map(address, length, static_cast<uint32_t>(protection), static_cast<uint32_t>(flags));
}
inline void mm_unmap(uint64_t address, uint64_t length) {
    probes::kernel::mm_unmap(address, length);
}
inline void console_write(uint64_t length) {
    probes::kernel::console_write(length);
}

inline void debugger_stop(uint32_t reason, uint32_t tid) {
    probes::kernel::debugger_stop(static_cast<int32_t>(reason), static_cast<int32_t>(tid));
}
inline void debugger_resume() {
    probes::kernel::debugger_resume();
}

/// A probe on this CPU has reserved its place and not committed yet: the thread is not to be switched.
inline bool probe_in_progress() {
    return reinterpret_cast<const probes::CpuBlock*>(arch::this_cpu().probe_block)
               ->depth.load(std::memory_order_relaxed) != 0;
}

} // namespace trace
