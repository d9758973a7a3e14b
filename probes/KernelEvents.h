#pragma once
// The kernel's events: one function for each, to be called where it happens. Disabled, a call is one 5-byte nop.
//
// Names and fields are those of LTTng's kernel tracer where it has the event (lttng-modules 2.13,
// instrumentation/events and src/lttng-statedump-impl.c), because that is what Trace Compass and others look for; the
// rest is at the end of each group. A `comm` points to comm_size readable bytes, padded with NUL. tid 0 is a CPU's idle
// thread.
//
// Callable from any context that a probe may stand in, NMI included.

#include "probes/Probe.h"

#include <cstddef>
#include <cstdint>

namespace probes::kernel {

inline constexpr size_t comm_size = 16;

#define UNISCOPE_KERNEL_EVENT [[gnu::always_inline]] inline

// ---- Scheduling ----

/// A thread as the scheduler's events name it.
struct ThreadName {
    const char* comm;
    int32_t tid;
    int32_t prio; ///< as Linux: 20 for an ordinary thread, lower is more urgent
};

/// Values of prev_state; Linux, include/linux/sched.h.
enum class ThreadState : int64_t {
    Running = 0, ///< preempted: still runnable
    Interruptible = 1,
    Uninterruptible = 2,
    Stopped = 4,
    Traced = 8, ///< held by the debugger
    Dead = 16,
};

UNISCOPE_KERNEL_EVENT void sched_switch(const ThreadName& previous, ThreadState state, const ThreadName& next) {
    UNISCOPE_PROBE(kernel, sched_switch, UNISCOPE_TEXT(prev_comm, previous.comm, comm_size),
                   UNISCOPE_INT(prev_tid, previous.tid), UNISCOPE_INT(prev_prio, previous.prio),
                   UNISCOPE_INT(prev_state, state), UNISCOPE_TEXT(next_comm, next.comm, comm_size),
                   UNISCOPE_INT(next_tid, next.tid), UNISCOPE_INT(next_prio, next.prio));
}

/// In the waker's context, before the thread is put into a run queue.
UNISCOPE_KERNEL_EVENT void sched_waking(const ThreadName& thread, int32_t target_cpu) {
    UNISCOPE_PROBE(kernel, sched_waking, UNISCOPE_TEXT(comm, thread.comm, comm_size), UNISCOPE_INT(tid, thread.tid),
                   UNISCOPE_INT(prio, thread.prio), UNISCOPE_INT(target_cpu, target_cpu));
}

/// When the thread is in a run queue.
UNISCOPE_KERNEL_EVENT void sched_wakeup(const ThreadName& thread, int32_t target_cpu) {
    UNISCOPE_PROBE(kernel, sched_wakeup, UNISCOPE_TEXT(comm, thread.comm, comm_size), UNISCOPE_INT(tid, thread.tid),
                   UNISCOPE_INT(prio, thread.prio), UNISCOPE_INT(target_cpu, target_cpu));
}

/// The first wake-up of a new thread.
UNISCOPE_KERNEL_EVENT void sched_wakeup_new(const ThreadName& thread, int32_t target_cpu) {
    UNISCOPE_PROBE(kernel, sched_wakeup_new, UNISCOPE_TEXT(comm, thread.comm, comm_size), UNISCOPE_INT(tid, thread.tid),
                   UNISCOPE_INT(prio, thread.prio), UNISCOPE_INT(target_cpu, target_cpu));
}

/// A thread starts another; pid is that of the one process.
UNISCOPE_KERNEL_EVENT void sched_process_fork(const ThreadName& parent, const ThreadName& child, int32_t pid) {
    UNISCOPE_PROBE(kernel, sched_process_fork, UNISCOPE_TEXT(parent_comm, parent.comm, comm_size),
                   UNISCOPE_INT(parent_tid, parent.tid), UNISCOPE_INT(parent_pid, pid),
                   UNISCOPE_TEXT(child_comm, child.comm, comm_size), UNISCOPE_INT(child_tid, child.tid),
                   UNISCOPE_INT(child_pid, pid));
}

UNISCOPE_KERNEL_EVENT void sched_process_exit(const ThreadName& thread) {
    UNISCOPE_PROBE(kernel, sched_process_exit, UNISCOPE_TEXT(comm, thread.comm, comm_size),
                   UNISCOPE_INT(tid, thread.tid), UNISCOPE_INT(prio, thread.prio));
}

/// The thread's structure is gone; its tid may come again.
UNISCOPE_KERNEL_EVENT void sched_process_free(const ThreadName& thread) {
    UNISCOPE_PROBE(kernel, sched_process_free, UNISCOPE_TEXT(comm, thread.comm, comm_size),
                   UNISCOPE_INT(tid, thread.tid), UNISCOPE_INT(prio, thread.prio));
}

/// Not LTTng's: a thread got another name (prctl PR_SET_NAME, /proc/.../comm).
UNISCOPE_KERNEL_EVENT void sched_rename(const ThreadName& thread) {
    UNISCOPE_PROBE(kernel, sched_rename, UNISCOPE_TEXT(comm, thread.comm, comm_size), UNISCOPE_INT(tid, thread.tid));
}

// ---- System calls: families (docs/trace-format.md §4.3), `syscall_entry_openat` and so on in a trace ----

inline constexpr uint32_t syscall_family_size = 512;

constexpr uint32_t syscall_member(uint64_t number) {
    return number < syscall_family_size - 1 ? static_cast<uint32_t>(number) : syscall_family_size - 1;
}

/// `known`: there is a system call of that number. `arguments`: six.
UNISCOPE_KERNEL_EVENT void syscall_entry(uint64_t number, bool known, const uint64_t* arguments) {
    UNISCOPE_PROBE_FAMILY(
        kernel, syscall_entry, 512, known ? syscall_member(number) : 511, UNISCOPE_INT(nr, number),
        UNISCOPE_LAZY(UNISCOPE_HEX(arg0, arguments[0])), UNISCOPE_LAZY(UNISCOPE_HEX(arg1, arguments[1])),
        UNISCOPE_LAZY(UNISCOPE_HEX(arg2, arguments[2])), UNISCOPE_LAZY(UNISCOPE_HEX(arg3, arguments[3])),
        UNISCOPE_LAZY(UNISCOPE_HEX(arg4, arguments[4])), UNISCOPE_LAZY(UNISCOPE_HEX(arg5, arguments[5])));
}

UNISCOPE_KERNEL_EVENT void syscall_exit(uint64_t number, bool known, int64_t result) {
    UNISCOPE_PROBE_FAMILY(kernel, syscall_exit, 512, known ? syscall_member(number) : 511, UNISCOPE_INT(nr, number),
                          UNISCOPE_INT(ret, result));
}

// ---- Interrupts and page faults ----

UNISCOPE_KERNEL_EVENT void irq_handler_entry(int32_t irq, const char* name) {
    UNISCOPE_PROBE(kernel, irq_handler_entry, UNISCOPE_INT(irq, irq), UNISCOPE_STRING(name, name, 32));
}

/// `handled`: 1 if the interrupt was the handler's.
UNISCOPE_KERNEL_EVENT void irq_handler_exit(int32_t irq, int32_t handled) {
    UNISCOPE_PROBE(kernel, irq_handler_exit, UNISCOPE_INT(irq, irq), UNISCOPE_INT(ret, handled));
}

/// LTTng calls these two x86_exceptions_page_fault_user and ..._kernel.
UNISCOPE_KERNEL_EVENT void page_fault_user(uint64_t address, uint64_t ip, uint64_t error_code) {
    UNISCOPE_PROBE(kernel, page_fault_user, UNISCOPE_HEX(address, address), UNISCOPE_HEX(ip, ip),
                   UNISCOPE_HEX(error_code, error_code));
}

UNISCOPE_KERNEL_EVENT void page_fault_kernel(uint64_t address, uint64_t ip, uint64_t error_code) {
    UNISCOPE_PROBE(kernel, page_fault_kernel, UNISCOPE_HEX(address, address), UNISCOPE_HEX(ip, ip),
                   UNISCOPE_HEX(error_code, error_code));
}

/// Not LTTng's. `result`: 0, or the error that becomes a signal or a crash.
UNISCOPE_KERNEL_EVENT void page_fault_exit(uint64_t address, int32_t result) {
    UNISCOPE_PROBE(kernel, page_fault_exit, UNISCOPE_HEX(address, address), UNISCOPE_INT(ret, result));
}

// ---- Not LTTng's: futexes, memory, console, debugger, samples ----

UNISCOPE_KERNEL_EVENT void futex_wait(uint64_t uaddr, uint32_t value) {
    UNISCOPE_PROBE(kernel, futex_wait, UNISCOPE_HEX(uaddr, uaddr), UNISCOPE_INT(val, value));
}

UNISCOPE_KERNEL_EVENT void futex_wait_exit(uint64_t uaddr, int32_t result) {
    UNISCOPE_PROBE(kernel, futex_wait_exit, UNISCOPE_HEX(uaddr, uaddr), UNISCOPE_INT(ret, result));
}

UNISCOPE_KERNEL_EVENT void futex_wake(uint64_t uaddr, uint32_t wanted, uint32_t woken) {
    UNISCOPE_PROBE(kernel, futex_wake, UNISCOPE_HEX(uaddr, uaddr), UNISCOPE_INT(val, wanted),
                   UNISCOPE_INT(woken, woken));
}

UNISCOPE_KERNEL_EVENT void mm_map(uint64_t address, uint64_t length, uint32_t protection, uint32_t flags) {
    UNISCOPE_PROBE(kernel, mm_map, UNISCOPE_HEX(addr, address), UNISCOPE_INT(length, length),
                   UNISCOPE_HEX(prot, protection), UNISCOPE_HEX(flags, flags));
}

UNISCOPE_KERNEL_EVENT void mm_unmap(uint64_t address, uint64_t length) {
    UNISCOPE_PROBE(kernel, mm_unmap, UNISCOPE_HEX(addr, address), UNISCOPE_INT(length, length));
}

UNISCOPE_KERNEL_EVENT void console_write(uint64_t length) {
    UNISCOPE_PROBE(kernel, console_write, UNISCOPE_INT(length, length));
}

/// `reason`: the signal number that the debugger is told.
UNISCOPE_KERNEL_EVENT void debugger_stop(int32_t reason, int32_t tid) {
    UNISCOPE_PROBE(kernel, debugger_stop, UNISCOPE_INT(reason, reason), UNISCOPE_INT(tid, tid));
}

UNISCOPE_KERNEL_EVENT void debugger_resume() {
    UNISCOPE_PROBE(kernel, debugger_resume);
}

/// What is done to the instance from outside; the numbers are those of probes/wire/Audit.h.
UNISCOPE_KERNEL_EVENT void audit(uint8_t kind, uint8_t channel, uint8_t role, uint8_t detail, uint64_t address,
                                 uint64_t length) {
    UNISCOPE_PROBE(kernel, audit, UNISCOPE_INT(kind, kind), UNISCOPE_INT(channel, channel), UNISCOPE_INT(role, role),
                   UNISCOPE_INT(detail, detail), UNISCOPE_HEX(addr, address), UNISCOPE_INT(length, length));
}

/// What the timer interrupt interrupted.
UNISCOPE_KERNEL_EVENT void tick_sample(int32_t tid, uint64_t ip) {
    UNISCOPE_PROBE(kernel, tick_sample, UNISCOPE_INT(tid, tid), UNISCOPE_HEX(ip, ip));
}

// ---- State dump: opens every recording, snapshot and crash ----

/// Values of lttng-statedump-impl.c.
enum class DumpedStatus : int32_t { WaitingForCpu = 2, Exited = 3, Waiting = 5, Running = 6, Dead = 7 };
enum class DumpedMode : int32_t { User = 0, SystemCall = 1, Trap = 2, Interrupt = 3, Unknown = 5 };
enum class DumpedType : int32_t { UserThread = 0, KernelThread = 1 };

UNISCOPE_KERNEL_EVENT void statedump_start() {
    UNISCOPE_PROBE_STATE(kernel, lttng_statedump_start);
}
UNISCOPE_KERNEL_EVENT void statedump_end() {
    UNISCOPE_PROBE_STATE(kernel, lttng_statedump_end);
}

UNISCOPE_KERNEL_EVENT void statedump_process_state(const ThreadName& thread, int32_t pid, int32_t ppid, DumpedType type,
                                                   DumpedMode mode, DumpedStatus status, uint32_t cpu) {
    int32_t submode = 0; // none
    UNISCOPE_PROBE_STATE(kernel, lttng_statedump_process_state, UNISCOPE_INT(tid, thread.tid), UNISCOPE_INT(pid, pid),
                         UNISCOPE_INT(ppid, ppid), UNISCOPE_TEXT(name, thread.comm, comm_size),
                         UNISCOPE_LAZY(UNISCOPE_INT(type, type)), UNISCOPE_LAZY(UNISCOPE_INT(mode, mode)),
                         UNISCOPE_LAZY(UNISCOPE_INT(submode, submode)), UNISCOPE_LAZY(UNISCOPE_INT(status, status)),
                         UNISCOPE_LAZY(UNISCOPE_INT(cpu, cpu)));
}

/// A mapping of the app's address space. `flags`: Linux' VM_READ 1, VM_WRITE 2, VM_EXEC 4. `name`: a path or "[heap]".
UNISCOPE_KERNEL_EVENT void statedump_vm_map(int32_t pid, uint64_t start, uint64_t end, uint32_t flags,
                                            const char* name) {
    UNISCOPE_PROBE_STATE(kernel, lttng_statedump_vm_map, UNISCOPE_INT(pid, pid), UNISCOPE_HEX(start, start),
                         UNISCOPE_HEX(end, end), UNISCOPE_HEX(flags, flags), UNISCOPE_STRING(name, name, 64));
}

#undef UNISCOPE_KERNEL_EVENT

} // namespace probes::kernel
