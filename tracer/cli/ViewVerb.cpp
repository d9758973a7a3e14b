#include "tracer/cli/TraceArgument.h"
#include "tracer/cli/Verb.h"
#include "tracer/cli/ViewerProgram.h"

#include <memory>

namespace cli {

namespace {

struct Options {
    std::string trace;
};

const VerbRegistration g_view{{
    .name = "view",
    .usage = "[TRACE]",
    .summary = "Open a trace in the timeline viewer",
    .details = "TRACE is a directory that `uniscope record` made; without it, the newest *.trace here.",
    .setup = [](CommandLine line) -> Action {
        auto options = std::make_shared<Options>();
        line.add_option("trace", options->trace);
        return [options]() -> tracer::Result<int> {
            auto path = TRY(find_trace(options->trace));
            (void)TRY(open_trace(path)); // a bad one is better told here than in a window
            return run_viewer({path.string()});
        };
    },
}};

} // namespace

} // namespace cli
