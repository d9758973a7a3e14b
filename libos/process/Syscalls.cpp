#include "libos/process/Syscalls.h"

namespace process {

namespace {

using enum syscalls::ArgumentKind;

Outcome zero(const Arguments&) {
    return 0;
}
Outcome one(const Arguments&) {
    return 1;
}
/// Known, and known not to be there: apps that ask have another way, so it is not reported as missing.
Outcome not_offered(const Arguments&) {
    return base::fail(base::Error::NoSystemCall);
}

} // namespace

// Numbers: arch/x86/entry/syscalls/syscall_64.tbl of Linux.
constexpr syscalls::Entry system_calls[] = {
    {9, "mmap", {Pointer, Size, Flags, Flags, Descriptor, Offset}, sys_mmap},
    {10, "mprotect", {Pointer, Size, Flags}, sys_mprotect},
    {11, "munmap", {Pointer, Size}, sys_munmap},
    {12, "brk", {Pointer}, sys_brk},
    {24, "sched_yield", {}, sys_sched_yield},
    {25, "mremap", {Pointer, Size, Size, Flags, Pointer}, sys_mremap},
    {26, "msync", {Pointer, Size, Flags}, sys_msync},
    {28, "madvise", {Pointer, Size, Int}, sys_madvise},
    {35, "nanosleep", {Pointer, Pointer}, sys_nanosleep},
    {39, "getpid", {}, sys_getpid},
    {56, "clone", {Flags, Pointer, Pointer, Pointer, Pointer}, sys_clone},
    {60, "exit", {Int}, sys_exit},
    {63, "uname", {Pointer}, sys_uname},
    {96, "gettimeofday", {Pointer, Pointer}, sys_gettimeofday},
    {97, "getrlimit", {Int, Pointer}, sys_getrlimit},
    {98, "getrusage", {Int, Pointer}, sys_getrusage},
    {99, "sysinfo", {Pointer}, sys_sysinfo},
    {100, "times", {Pointer}, sys_times},
    {102, "getuid", {}, zero},
    {104, "getgid", {}, zero},
    {107, "geteuid", {}, zero},
    {108, "getegid", {}, zero},
    {110, "getppid", {}, zero},
    {111, "getpgrp", {}, one},
    {112, "setsid", {}, one},
    {121, "getpgid", {Int}, one},
    {124, "getsid", {Int}, one},
    {149, "mlock", {Pointer, Size}, zero},
    {150, "munlock", {Pointer, Size}, zero},
    {151, "mlockall", {Flags}, zero},
    {152, "munlockall", {}, zero},
    {157, "prctl", {Int, Unsigned, Unsigned, Unsigned, Unsigned}, sys_prctl},
    {158, "arch_prctl", {Int, Pointer}, sys_arch_prctl},
    {186, "gettid", {}, sys_gettid},
    {201, "time", {Pointer}, sys_time},
    {202, "futex", {Pointer, Flags, Int, Pointer, Pointer, Int}, sys_futex},
    {203, "sched_setaffinity", {ThreadId, Size, Pointer}, sys_sched_setaffinity},
    {204, "sched_getaffinity", {ThreadId, Size, Pointer}, sys_sched_getaffinity},
    {218, "set_tid_address", {Pointer}, sys_set_tid_address},
    {228, "clock_gettime", {Int, Pointer}, sys_clock_gettime},
    {229, "clock_getres", {Int, Pointer}, sys_clock_getres},
    {230, "clock_nanosleep", {Int, Flags, Pointer, Pointer}, sys_clock_nanosleep},
    {231, "exit_group", {Int}, sys_exit_group},
    {273, "set_robust_list", {Pointer, Size}, sys_set_robust_list},
    {302, "prlimit64", {ThreadId, Int, Pointer, Pointer}, sys_prlimit64},
    {309, "getcpu", {Pointer, Pointer, Pointer}, sys_getcpu},
    {318, "getrandom", {Pointer, Size, Flags}, sys_getrandom},
    {324, "membarrier", {Int, Flags, Int}, sys_membarrier},
    {334, "rseq", {Pointer, Size, Flags, Unsigned}, not_offered},
    {435, "clone3", {Pointer, Size}, sys_clone3},
};
constexpr unsigned system_call_count = sizeof(system_calls) / sizeof(system_calls[0]);

} // namespace process
