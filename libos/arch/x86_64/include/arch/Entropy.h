#pragma once
// Entropy of the CPU. Contract header.

#include <cstdint>
#include <optional>

namespace arch {

/// RDRAND; empty where there is none or it gives nothing. Any context.
std::optional<uint64_t> hardware_random();

/// RDRAND where there is one, and the timestamp counter's jitter in any case.
uint64_t hardware_entropy();

} // namespace arch
