#include "tracer/analysis/ChromeExport.h"
#include "tracer/cli/TraceArgument.h"
#include "tracer/cli/Verb.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

namespace cli {

namespace {

namespace fs = std::filesystem;
using tracer::Result;

struct Options {
    std::string trace;
    std::string format = "chrome";
    std::string output;
    bool force = false;
};

/// A new file that only the user can read; "-" is the standard output.
Result<std::FILE*> create_file(const fs::path& path, bool force) {
    if (path == "-")
        return stdout;
    int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (force ? O_TRUNC : O_EXCL);
    int fd = open(path.c_str(), flags, 0600);
    if (fd < 0 && errno == EEXIST)
        return tracer::fail(fmt::format("{} exists already", path.string()),
                            "-f overwrites it, -o NAME takes another name");
    if (fd < 0)
        return tracer::fail_errno(fmt::format("cannot write {}", path.string()), errno);
    return fdopen(fd, "w");
}

fs::path default_output(fs::path trace) {
    if (!trace.has_filename())
        trace = trace.parent_path();
    return trace.filename().replace_extension(".json");
}

Result<int> export_trace(const Options& options) {
    if (options.format != "chrome")
        return tracer::fail(fmt::format("there is no format `{}`", options.format),
                            "--format chrome is the one there is.");
    auto path = TRY(find_trace(options.trace));
    auto trace = TRY(open_trace(path));
    auto timeline = TRY(load_trace(trace));
    fs::path output = options.output.empty() ? default_output(path) : fs::path(options.output);
    std::FILE* file = TRY(create_file(output, options.force));
    auto written = tracer::write_chrome_json(timeline, file);
    if (file != stdout && std::fclose(file) != 0 && written)
        written = tracer::fail_errno(fmt::format("cannot write {}", output.string()), errno);
    TRY(written);
    if (file != stdout)
        fmt::print("{}: open it in https://ui.perfetto.dev or chrome://tracing\n", output.string());
    return 0;
}

const VerbRegistration g_export{{
    .name = "export",
    .usage = "[OPTIONS] [TRACE]",
    .summary = "Convert a trace for other tools",
    .details = "TRACE is a directory that `uniscope record` made; without it, the newest *.trace here. CTF readers\n"
               "(babeltrace2, Trace Compass) open a trace as it is.",
    .setup = [](CommandLine line) -> Action {
        auto options = std::make_shared<Options>();
        line.add_option("trace", options->trace);
        line.add_option("--format", options->format, "chrome: JSON trace events, for Perfetto and Chrome")
            .type_name("FORMAT");
        line.add_option("-o,--output", options->output, "File to write, - for the standard output").type_name("PATH");
        line.add_flag("-f,--force", options->force, "Overwrite the output");
        return [options] { return export_trace(*options); };
    },
}};

} // namespace

} // namespace cli
