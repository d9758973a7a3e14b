#include "tracer/cli/Launch.h"
#include "tracer/cli/Verb.h"

#include <fmt/format.h>

#include <memory>

namespace cli {

namespace {

struct Options {
    LaunchArguments launch;
    bool detach = false;
    bool verbose = false;
    bool show_command = false;
    std::optional<CommandLine> line;
};

tracer::Result<int> run(Options& options) {
    const std::vector<std::string> words = options.line->words();
    if (words.empty())
        return tracer::fail("which image is to run?", "Usage: uniscope run [OPTIONS] IMAGE [ARGS...]");
    if (words.front().starts_with('-'))
        return tracer::fail(fmt::format("`uniscope run` has no option {}", words.front()),
                            "Options come before the image, the app's arguments after it: `uniscope help run`.");
    Launch launch = TRY(prepare_launch(options.launch, words));
    launch.verbose = options.verbose;
    if (options.verbose)
        fmt::print(stderr, "uniscope: accelerator: {}\n", launch.accelerator_reason);
    if (options.show_command) {
        fmt::print("{}\n", TRY(shell_command(launch)));
        return 0;
    }
    if (options.detach) {
        fmt::print("{}\n", TRY(launch_in_background(std::move(launch))));
        return 0;
    }
    return launch_in_foreground(std::move(launch));
}

const VerbRegistration g_run{{
    .name = "run",
    .usage = "[OPTIONS] IMAGE [ARGS...]",
    .summary = "Boot an image as an instance",
    .details =
        "The console is on the standard streams; Ctrl-C stops the instance. The exit status is the app's; 125 is this\n"
        "tool's own error. Options come before the image, the app's arguments after it.",
    .error_status = 125,
    .setup = [](CommandLine line) -> Action {
        auto options = std::make_shared<Options>();
        options->line = line;
        line.end_at_first_word();
        line.add_flag("-d,--detach", options->detach, "Print the name and return when the instance is up");
        add_launch_options(line, options->launch);
        line.add_flag("-v,--verbose", options->verbose, "Say what is done");
        line.add_flag("--show-command", options->show_command, "Print the QEMU command line and do nothing");
        return [options] { return run(*options); };
    },
}};

} // namespace

} // namespace cli
