#pragma once
// From QEMU's dump of a machine that could not write its own crash file to the same form (docs/crash-format.md).

#include "tracer/Result.h"

#include <filesystem>
#include <string_view>

namespace crash {

enum class CoreOccasion {
    Failure,  ///< there is a culprit
    OnDemand, ///< somebody asked; the machine was well for all that is known
};

/// Reads the machine's memory through its page tables and its threads through the kernel's crash root, which the
/// image's symbols find. Without a usable crash root (the kernel had not got so far, or overwrote it) the CPUs become
/// the threads. `reason` is one sentence.
tracer::Result<> rewrite_core(const std::filesystem::path& dump, const std::filesystem::path& image,
                              const std::filesystem::path& output, CoreOccasion occasion, std::string_view reason);

} // namespace crash
