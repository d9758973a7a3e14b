#include "tracer/analysis/Report.h"
#include "tracer/cli/TraceArgument.h"
#include "tracer/cli/Verb.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <memory>

namespace cli {

namespace {

struct Options {
    std::string trace;
    std::string image;
    size_t top = 15;
    bool json = false;
};

tracer::Result<int> report(const Options& options) {
    auto trace = TRY(open_trace(TRY(find_trace(options.trace))));
    auto timeline = TRY(load_trace(trace));
    auto symbols = TRY(open_symbols(options.image, timeline.identity().image_path, timeline.identity().build_id));
    auto report = tracer::make_report(timeline, symbols ? &*symbols : nullptr);
    if (options.json)
        fmt::print("{}\n", to_json(report).dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    else
        fmt::print("{}", to_text(report, options.top));
    return 0;
}

const VerbRegistration g_report{{
    .name = "report",
    .usage = "[OPTIONS] [TRACE]",
    .summary = "Print what a trace says: threads, hot functions, system calls, latencies, loss",
    .details = "TRACE is a directory that `uniscope record` made; without it, the newest *.trace here.",
    .setup = [](CommandLine line) -> Action {
        auto options = std::make_shared<Options>();
        line.add_option("trace", options->trace);
        line.add_option("--image", options->image, "The image that ran, when it is no longer where it was")
            .type_name("PATH");
        line.add_option("--top", options->top, "Lines in each table, 15 unless told").type_name("N");
        line.add_flag("--json", options->json, "Print JSON, with times in nanoseconds");
        return [options] { return report(*options); };
    },
}};

} // namespace

} // namespace cli
