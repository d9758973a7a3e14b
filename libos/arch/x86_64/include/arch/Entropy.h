#pragma once
// Entropy of the CPU. Contract header.

#include <cstdint>

namespace arch {

/// RDRAND where there is one, and the timestamp counter's jitter in any case.
uint64_t hardware_entropy();

} // namespace arch
