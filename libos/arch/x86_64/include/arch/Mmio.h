#pragma once
// Mapping of device memory. Contract header.

#include "libos/base/Result.h"

#include <cstddef>
#include <cstdint>

namespace arch {

/// Maps [physical, physical + size) uncached, for ever. Boot, or thread context.
base::Result<void*> map_mmio(uint64_t physical, size_t size);

} // namespace arch
