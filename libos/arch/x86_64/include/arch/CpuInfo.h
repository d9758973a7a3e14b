#pragma once
// The CPU's description for /proc/cpuinfo. Contract header.

#include "libos/base/Text.h"

namespace arch {

void print_cpu_info(base::TextBuilder& text, uint32_t index, uint64_t hz);

} // namespace arch
