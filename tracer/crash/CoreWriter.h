#pragma once
// Writes a crash file from its parts, in the form that the guest writes too (docs/crash-format.md).

#include "tracer/crash/CoreFile.h"

namespace crash {

struct CoreRange {
    uint64_t address = 0; ///< page-aligned, as is size
    uint64_t size = 0;
    uint32_t flags = 0; ///< PF_R, PF_W, PF_X
};

struct CoreContents {
    std::vector<CoreThreadState> threads; ///< the culprit first
    CoreReason reason;
    wire::HelloMessage hello{};
    std::vector<wire::CoreRing> rings;
    std::vector<wire::CoreCpu> cpus;
    std::string command;
    std::vector<CoreRange> ranges; ///< ascending, not overlapping
};

/// Replaces `path`, mode 0600. Zero pages take no room on disk; a page that `memory` cannot read is written as zeros.
tracer::Result<> write_core(const std::filesystem::path& path, const CoreContents& contents,
                            const tracer::MemoryReader& memory);

} // namespace crash
