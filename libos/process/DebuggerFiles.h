#pragma once
// The process' files for a debugger (vFile), /proc/1 among them.

#include "gdbstub/Files.h"

namespace process {

gdbstub::Files& debugger_files();

} // namespace process
