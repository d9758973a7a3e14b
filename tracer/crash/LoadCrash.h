#pragma once
// Everything about one crash, read once: what `crash show` prints and what the viewer opens.

#include "tracer/analysis/Timeline.h"
#include "tracer/crash/CrashReport.h"

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

namespace crash {

/// Immutable; any thread may read it.
struct Crash {
    CrashReport report;
    std::shared_ptr<const CoreFile> core;
    std::shared_ptr<const tracer::Timeline> timeline; ///< the last events; null if the core has none
    std::string timeline_problem;                     ///< why there are none: a sentence, or a part of one
};

/// Whether a file begins like an ELF core. Reads 64 bytes.
bool is_core_file(const std::filesystem::path& path);

/// What the supervisor wrote beside a core (name, image, build_id, reason, time_unix, ...); an empty object if nothing.
nlohmann::json read_crash_sidecar(std::filesystem::path core);

/// The core's image: `image` if given, whose build id must be the core's; else where it was recorded or kept
/// (FindImage.h). Fails with both ids.
tracer::Result<tracer::Symbolizer> open_crash_image(const CoreFile& core, const std::string& image);

/// Blocks for some hundred milliseconds: not for a user interface's thread. `last_events` go into the report's text.
tracer::Result<Crash> load_crash(const std::filesystem::path& core, const std::string& image, size_t last_events = 20);

} // namespace crash
