#include "libos/memory/UserMemory.h"
#include "libos/process/Process.h"
#include "libos/process/Syscalls.h"
#include "libos/sched/Clock.h"
#include "libos/sched/Futex.h"
#include "libos/sched/Processors.h"
#include "libos/sched/Scheduler.h"
#include "libos/trace/Events.h"

#include <arch/CpuRequests.h>
#include <arch/PageTable.h>
#include <arch/Switch.h>

namespace process {

using base::Error;
using base::fail;

namespace {

// include/uapi/linux/sched.h
constexpr uint64_t clone_vm = 0x100;
constexpr uint64_t clone_thread = 0x10000;
constexpr uint64_t clone_settls = 0x80000;
constexpr uint64_t clone_parent_settid = 0x100000;
constexpr uint64_t clone_child_cleartid = 0x200000;
constexpr uint64_t clone_child_settid = 0x1000000;

struct CloneRequest {
    uint64_t flags;
    uint64_t stack_pointer;
    uint64_t tls;
    uint64_t parent_tid;
    uint64_t child_tid;
};

Outcome clone(const CloneRequest& request) {
    // One process: what is not a thread of it cannot be had. docs/limits.md, "fork".
    if ((request.flags & (clone_vm | clone_thread)) != (clone_vm | clone_thread))
        return fail(Error::NoSystemCall);
    sched::Thread& parent = sched::current_thread();
    arch::TrapFrame frame = *parent.trap_frame;
    frame.set_result(0);
    if (request.stack_pointer != 0)
        frame.set_sp(request.stack_pointer);
    sched::Thread* child =
        TRY(sched::Thread::create_app(frame, (request.flags & clone_settls) != 0 ? request.tls : parent.fs_base));
    child->set_name(parent.name_view());
    child->signals.mask = parent.signals.mask;
    child->affinity = parent.affinity;
    child->cpu = parent.cpu;
    if ((request.flags & clone_child_cleartid) != 0)
        child->clear_child_tid = request.child_tid;
    sched::scheduler().assign_tid(*child);
    uint32_t tid = child->tid;
    // Both words are written before the child can run; an unwritable one is the app's loss, as on Linux.
    if ((request.flags & clone_parent_settid) != 0)
        (void)memory::write_user(request.parent_tid, tid);
    if ((request.flags & clone_child_settid) != 0)
        (void)memory::write_user(request.child_tid, tid);
    trace::sched_process_fork(parent, *child);
    sched::scheduler().start(*child);
    return tid;
}

sched::Deadline deadline_of(const int64_t (&time)[2], bool realtime) {
    uint64_t ns = static_cast<uint64_t>(time[0]) * 1'000'000'000 + static_cast<uint64_t>(time[1]);
    return realtime ? sched::deadline_from_realtime(ns) : ns;
}

} // namespace

Outcome sys_exit(const Arguments& a) {
    exit_thread(a.as_u32(0) & 0xff);
}
Outcome sys_exit_group(const Arguments& a) {
    exit(a.as_u32(0) & 0xff);
}

Outcome sys_clone(const Arguments& a) {
    return clone({a.value[0], a.value[1], a.value[4], a.value[2], a.value[3]});
}

Outcome sys_clone3(const Arguments& a) {
    // struct clone_args, version 0.
    struct CloneArguments {
        uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
    };
    if (a.value[1] < sizeof(CloneArguments))
        return fail(Error::Invalid);
    auto in = TRY(memory::read_user<CloneArguments>(a.value[0]));
    return clone({in.flags, in.stack != 0 ? in.stack + in.stack_size : 0, in.tls, in.parent_tid, in.child_tid});
}

Outcome sys_set_tid_address(const Arguments& a) {
    sched::current_thread().clear_child_tid = a.value[0];
    return sched::current_thread().tid;
}

Outcome sys_set_robust_list(const Arguments& a) {
    sched::current_thread().robust_list = a.value[0];
    return 0;
}

Outcome sys_gettid(const Arguments&) {
    return sched::current_thread().tid;
}

Outcome sys_futex(const Arguments& a) {
    constexpr uint32_t private_flag = 128, clock_realtime = 256;
    uint32_t operation = a.as_u32(1) & ~(private_flag | clock_realtime);
    bool realtime = (a.as_u32(1) & clock_realtime) != 0;
    uint64_t address = a.value[0];
    auto value = a.as_u32(2);
    switch (operation) {
    case 0:   // FUTEX_WAIT: relative timeout
    case 9: { // FUTEX_WAIT_BITSET: absolute
        sched::Deadline deadline = sched::no_deadline;
        if (a.value[3] != 0) {
            struct Time {
                int64_t part[2];
            };
            auto time = TRY(memory::read_user<Time>(a.value[3]));
            if (time.part[0] < 0 || time.part[1] < 0 || time.part[1] >= 1'000'000'000)
                return fail(Error::Invalid);
            deadline = operation == 0 ? sched::deadline_after(static_cast<uint64_t>(time.part[0]) * 1'000'000'000 +
                                                              static_cast<uint64_t>(time.part[1]))
                                      : deadline_of(time.part, realtime);
        }
        TRY(sched::futex_wait(address, value, operation == 0 ? UINT32_MAX : a.as_u32(5), deadline));
        return 0;
    }
    case 1:
        return sched::futex_wake(address, value, UINT32_MAX);
    case 10:
        return sched::futex_wake(address, value, a.as_u32(5));
    case 3:
        return sched::futex_requeue(address, value, a.as_u32(3), a.value[4], false, 0);
    case 4:
        return sched::futex_requeue(address, value, a.as_u32(3), a.value[4], true, a.as_u32(5));
    case 5:
        return sched::futex_wake_op(address, value, a.value[4], a.as_u32(3), a.as_u32(5));
    default:
        return fail(Error::NoSystemCall); // priority inheritance: docs/limits.md
    }
}

Outcome sys_sched_yield(const Arguments&) {
    sched::scheduler().yield();
    return 0;
}

Outcome sys_sched_getaffinity(const Arguments& a) {
    if (a.value[1] < sizeof(uint64_t))
        return fail(Error::Invalid);
    uint64_t all = arch::cpu_count() == 64 ? UINT64_MAX : (uint64_t{1} << arch::cpu_count()) - 1;
    TRY(memory::write_user(a.value[2], sched::current_thread().affinity & all));
    return sizeof(uint64_t);
}

Outcome sys_sched_setaffinity(const Arguments& a) {
    uint64_t mask = 0;
    size_t size = a.value[1] < sizeof(mask) ? a.value[1] : sizeof(mask);
    TRY(memory::copy_from_user(std::as_writable_bytes(std::span(&mask, 1)).first(size), a.value[2]));
    TRY(sched::await_processors()); // a thread bound to a CPU that is yet to come would not run
    TRY(sched::scheduler().set_affinity(a.as_u32(0), mask));
    return 0;
}

Outcome sys_getcpu(const Arguments& a) {
    if (a.value[0] != 0)
        TRY(memory::write_user(a.value[0], sched::current_thread().cpu));
    if (a.value[1] != 0)
        TRY(memory::write_user(a.value[1], uint32_t{0}));
    return 0;
}

Outcome sys_prctl(const Arguments& a) {
    constexpr int set_name = 15, get_name = 16;
    sched::Thread& thread = sched::current_thread();
    switch (a.as_int(0)) {
    case set_name: {
        char name[sched::Thread::name_size] = {};
        auto length = memory::copy_string_from_user(name, a.value[1]);
        if (!length && length.error() != Error::NameTooLong)
            return fail(length.error());
        thread.set_name({name, length ? *length : sizeof(name) - 1});
        trace::sched_rename(thread);
        return 0;
    }
    case get_name:
        TRY(memory::copy_to_user(a.value[1], std::as_bytes(std::span(thread.name))));
        return 0;
    default:
        return fail(Error::Invalid);
    }
}

Outcome sys_arch_prctl(const Arguments& a) {
    constexpr int set_fs = 0x1002, get_fs = 0x1003;
    sched::Thread& thread = sched::current_thread();
    switch (a.as_int(0)) {
    case set_fs:
        if (a.value[1] >= arch::app_end)
            return fail(Error::NotPermitted);
        thread.fs_base = a.value[1];
        arch::set_fs_base(a.value[1]);
        return 0;
    case get_fs:
        TRY(memory::write_user(a.value[1], thread.fs_base));
        return 0;
    default:
        return fail(Error::Invalid); // GS is the kernel's
    }
}

Outcome sys_membarrier(const Arguments& a) {
    // MEMBARRIER_CMD_QUERY: private expedited and its registration, and the global one.
    constexpr int supported = 1 | 8 | 16;
    switch (a.as_int(0)) {
    case 0:
        return supported;
    case 16:
        return 0;
    case 1:
    case 8:
        arch::synchronize_instruction_streams();
        return 0;
    default:
        return fail(Error::Invalid);
    }
}

} // namespace process
