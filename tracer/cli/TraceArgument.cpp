#include "tracer/cli/TraceArgument.h"

#include "tracer/cli/Verb.h"
#include "tracer/symbols/FindImage.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

namespace cli {

namespace fs = std::filesystem;
using tracer::Result;

Result<fs::path> find_trace(const std::string& argument) {
    if (!argument.empty())
        return fs::path(argument);
    fs::path newest;
    fs::file_time_type newest_time;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(".", error)) {
        if (entry.path().extension() != ".trace" || !entry.is_directory(error))
            continue;
        auto time = fs::last_write_time(entry.path() / tracer::sidecar_directory, error);
        if (!error && (newest.empty() || time > newest_time)) {
            newest = entry.path().lexically_normal();
            newest_time = time;
        }
    }
    if (newest.empty())
        return tracer::fail("there is no trace in this directory", "name one, or record one: uniscope record NAME");
    return newest;
}

Result<tracer::TraceDirectory> open_trace(const fs::path& path) {
    auto trace = TRY(tracer::TraceDirectory::open(path));
    if (trace.info().is_complete && trace.torn_bytes() == 0)
        return trace;
    auto report = tracer::repair_trace(path);
    if (!report) {
        fmt::print(stderr, "uniscope: note: {}\n", report.error().message);
        return trace;
    }
    if (report->cut_bytes == 0) {
        fmt::print(stderr, "uniscope: note: {} is not complete: its recorder did not come to its end\n", path.string());
        return trace;
    }
    fmt::print(stderr, "uniscope: note: {} was cut short: {} bytes of a torn packet were taken out\n", path.string(),
               report->cut_bytes);
    return tracer::TraceDirectory::open(path);
}

Result<tracer::Timeline> load_trace(const tracer::TraceDirectory& trace) {
    if (isatty(STDERR_FILENO) == 0)
        return tracer::load_timeline(trace);
    bool has_line = false;
    auto timeline = tracer::load_timeline(trace, [&has_line](double done) {
        fmt::print(stderr, "\rreading {:3.0f} %", done * 100);
        has_line = true;
        return true;
    });
    if (has_line)
        fmt::print(stderr, "\r\033[K");
    return timeline;
}

Result<std::optional<tracer::Symbolizer>> open_symbols(const std::string& image_option,
                                                       const std::string& recorded_path, const std::string& build_id) {
    if (!image_option.empty())
        return TRY(tracer::Symbolizer::open(image_option, build_id));
    if (recorded_path.empty() && build_id.empty())
        return std::nullopt;
    const auto path = tracer::find_image(recorded_path, build_id);
    auto symbols = path ? tracer::Symbolizer::open(*path, build_id) : std::unexpected(path.error());
    if (symbols)
        return std::move(*symbols);
    fmt::print(stderr, "uniscope: note: no function names: {}\n", symbols.error().message);
    return std::nullopt;
}

} // namespace cli
