#pragma once
// A directory as the cpio archive that an instance's RAM file system is filled from.
// The format: "New ASCII Format" (newc) of cpio(5), as the Linux kernel's initramfs buffer format has it.

#include "tracer/Result.h"

#include <cstdint>
#include <filesystem>

namespace tracer {

/// Writes the regular files, directories and symbolic links under `root` with their modes and times, sorted by name;
/// owner 0, hard links as copies. Other kinds of files are an error, so that nothing is missing silently.
/// Yields the archive's size in bytes.
Result<uint64_t> write_cpio(const std::filesystem::path& root, const std::filesystem::path& archive);

} // namespace tracer
