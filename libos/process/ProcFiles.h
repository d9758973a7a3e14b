#pragma once
// What the process and the machine say of themselves under /proc and /sys.

#include "libos/fs/Services.h"

namespace process {

fs::ProcSource& proc_source();

} // namespace process
