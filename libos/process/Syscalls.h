#pragma once
// System calls on the process, its threads, memory and time.

#include "libos/syscall/Table.h"

namespace process {

using syscalls::Arguments;
using Outcome = base::Result<uint64_t>;

// ThreadSyscalls.cpp
Outcome sys_exit(const Arguments&);
Outcome sys_exit_group(const Arguments&);
Outcome sys_clone(const Arguments&);
Outcome sys_clone3(const Arguments&);
Outcome sys_set_tid_address(const Arguments&);
Outcome sys_set_robust_list(const Arguments&);
Outcome sys_futex(const Arguments&);
Outcome sys_sched_yield(const Arguments&);
Outcome sys_sched_getaffinity(const Arguments&);
Outcome sys_sched_setaffinity(const Arguments&);
Outcome sys_getcpu(const Arguments&);
Outcome sys_prctl(const Arguments&);
Outcome sys_arch_prctl(const Arguments&);
Outcome sys_membarrier(const Arguments&);
Outcome sys_gettid(const Arguments&);

// MemorySyscalls.cpp
Outcome sys_mmap(const Arguments&);
Outcome sys_munmap(const Arguments&);
Outcome sys_mprotect(const Arguments&);
Outcome sys_mremap(const Arguments&);
Outcome sys_madvise(const Arguments&);
Outcome sys_msync(const Arguments&);
Outcome sys_brk(const Arguments&);

// TimeSyscalls.cpp
Outcome sys_nanosleep(const Arguments&);
Outcome sys_clock_nanosleep(const Arguments&);
Outcome sys_clock_gettime(const Arguments&);
Outcome sys_clock_getres(const Arguments&);
Outcome sys_gettimeofday(const Arguments&);
Outcome sys_time(const Arguments&);
Outcome sys_times(const Arguments&);
Outcome sys_getrusage(const Arguments&);

// ProcessSyscalls.cpp
Outcome sys_getpid(const Arguments&);
Outcome sys_uname(const Arguments&);
Outcome sys_sysinfo(const Arguments&);
Outcome sys_prlimit64(const Arguments&);
Outcome sys_getrlimit(const Arguments&);
Outcome sys_getrandom(const Arguments&);

extern const syscalls::Entry system_calls[];
extern const unsigned system_call_count;

} // namespace process
