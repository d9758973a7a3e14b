#pragma once
// Document: what the viewer has open: a recording, or a core with the events before its end. Immutable; load() runs on
// any thread.

#include "tracer/Result.h"
#include "viewer/model/CrashReport.h"
#include "viewer/model/Index.h"

#include <filesystem>
#include <memory>
#include <string>

namespace viewer {

struct Document {
    std::string title;                        // "shop.trace"
    std::shared_ptr<const Index> index;       // null: a core without events
    std::shared_ptr<const CrashReport> crash; // null: a recording

    /// Opens a trace directory or a core. `progress` as in Index::build(); cancelling it is an error too. `image` is
    /// the core's, if it is not where the core says.
    static tracer::Result<Document> load(const std::filesystem::path& path, const Index::Progress& progress = {},
                                         const std::string& image = {});
};

} // namespace viewer
