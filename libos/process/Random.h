#pragma once
// Random bytes: the CPU's generator and virtio-rng feed a ChaCha20 generator. Thread context.

#include "libos/fs/Services.h"

namespace process {

fs::RandomSource& random_source();
/// Mixes more entropy in; any amount, any quality.
void add_entropy(std::span<const std::byte> bytes);

} // namespace process
