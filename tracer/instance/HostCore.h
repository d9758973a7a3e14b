#pragma once
// A crash file made on the host, out of QEMU's dump of a machine that could not write its own.

#include "tracer/Result.h"
#include "tracer/crash/RewriteCore.h"

#include <filesystem>
#include <string>
#include <string_view>

namespace tracer {

/// Turns `dump` into a crash file at `output` and removes it. When that cannot be done, the dump itself becomes
/// `output` (gdb reads its memory by physical address only), and the sentence that says why is returned; else it is
/// empty.
Result<std::string> make_core_from_dump(const std::filesystem::path& dump, const std::filesystem::path& image,
                                        const std::filesystem::path& output, crash::CoreOccasion occasion,
                                        std::string_view reason);

} // namespace tracer
