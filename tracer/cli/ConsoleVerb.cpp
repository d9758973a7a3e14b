#include "tracer/cli/Bridge.h"
#include "tracer/cli/Target.h"
#include "tracer/cli/Verb.h"
#include "tracer/instance/Terminal.h"
#include "tracer/link/InstanceLink.h"

#include <memory>

namespace cli {

namespace {

struct Options {
    std::string name;
};

tracer::Result<int> console(const Options& options) {
    const Target target = TRY(open_target(options.name));
    tracer::InstanceLink link(target.instance.directory, target.name());
    const auto stream = TRY(link.open(tracer::ChannelName::Console));
    TRY(bridge_standard_streams(stream, tracer::Terminal::encode_input));
    return 0;
}

const VerbRegistration g_console{{
    .name = "console",
    .usage = "NAME|ENDPOINT",
    .summary = "Show what an instance prints from now on, and pass on what is typed",
    .details =
        "Ends with the instance, or by Ctrl-C, which the instance does not notice. `uniscope logs` shows what was\n"
        "printed before.",
    .setup = [](CommandLine line) -> Action {
        auto options = std::make_shared<Options>();
        line.add_option("NAME", options->name).required();
        return [options] { return console(*options); };
    },
}};

} // namespace

} // namespace cli
