#include "viewer/model/Document.h"

#include "tracer/analysis/TraceLoader.h"
#include "tracer/crash/LoadCrash.h"
#include "viewer/model/CrashAdapter.h"

#include <fmt/format.h>

namespace viewer {
namespace {

// Decoding is most of the work; the rest is building the lanes.
constexpr double decoding_share = 0.8;

tracer::Result<std::shared_ptr<const Index>> make_index(std::shared_ptr<const tracer::Timeline> timeline,
                                                        const std::string& title, const Index::Progress& progress) {
    std::shared_ptr<const Index> index = Index::build(std::move(timeline), title, [&](double share) {
        return !progress || progress(decoding_share + share * (1 - decoding_share));
    });
    if (!index)
        return tracer::fail("loading was cancelled");
    return index;
}

} // namespace

tracer::Result<Document> Document::load(const std::filesystem::path& path, const Index::Progress& progress,
                                        const std::string& image) {
    std::error_code error;
    if (!std::filesystem::exists(path, error))
        return tracer::fail(fmt::format("there is no {}", path.string()));
    Document document;
    document.title = (path.has_filename() ? path.filename() : path.parent_path().filename()).string();
    if (crash::is_core_file(path)) {
        crash::Crash crash = TRY(crash::load_crash(path, image));
        document.crash = std::make_shared<const CrashReport>(crash_report_of(crash.report));
        if (crash.timeline)
            document.index = TRY(make_index(crash.timeline, document.title, progress));
        return document;
    }
    auto timeline = std::make_shared<const tracer::Timeline>(
        TRY(tracer::load_timeline(path, [&](double share) { return !progress || progress(share * decoding_share); })));
    document.index = TRY(make_index(std::move(timeline), document.title, progress));
    return document;
}

} // namespace viewer
