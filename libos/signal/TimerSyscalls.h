#pragma once
// The system calls that set timers: setitimer(2), timer_create(2) and theirs.

#include "libos/syscall/Arguments.h"

namespace signal {

base::Result<uint64_t> sys_alarm(const syscalls::Arguments&);
base::Result<uint64_t> sys_getitimer(const syscalls::Arguments&);
base::Result<uint64_t> sys_setitimer(const syscalls::Arguments&);
base::Result<uint64_t> sys_timer_create(const syscalls::Arguments&);
base::Result<uint64_t> sys_timer_settime(const syscalls::Arguments&);
base::Result<uint64_t> sys_timer_gettime(const syscalls::Arguments&);
base::Result<uint64_t> sys_timer_getoverrun(const syscalls::Arguments&);
base::Result<uint64_t> sys_timer_delete(const syscalls::Arguments&);

} // namespace signal
