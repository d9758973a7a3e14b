#include "tracer/cli/Verb.h"
#include "tracer/cli/ViewerProgram.h"
#include "tracer/crash/LoadCrash.h"
#include "tracer/instance/Directories.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>

namespace cli {

namespace {

namespace fs = std::filesystem;
using tracer::Result;

struct Crash {
    fs::path core;
    nlohmann::json sidecar = nlohmann::json::object();
    fs::file_time_type time;

    std::string text(const char* key) const { return sidecar.value(key, std::string()); }
};

/// Newest first.
Result<std::vector<Crash>> list_crashes() {
    std::vector<Crash> crashes;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(TRY(tracer::crash_directory()), error))
        if (entry.path().extension() == ".core")
            crashes.push_back({entry.path(), crash::read_crash_sidecar(entry.path()), entry.last_write_time(error)});
    std::ranges::sort(crashes, std::greater<>(), &Crash::time);
    return crashes;
}

/// By path, by file name in the crash directory, or the newest: of an instance if its name is given.
Result<Crash> find_crash(const std::string& argument) {
    std::error_code error;
    if (!argument.empty() && fs::is_regular_file(argument, error))
        return Crash{argument, crash::read_crash_sidecar(argument), fs::last_write_time(argument, error)};
    auto crashes = TRY(list_crashes());
    for (const auto& crash : crashes)
        if (argument.empty() || crash.core.filename() == argument || crash.core.stem() == argument ||
            crash.text("name") == argument)
            return crash;
    if (argument.empty())
        return tracer::fail("nothing has crashed: there are no cores", "A fatal fault in an instance makes one.");
    return tracer::fail(fmt::format("there is no core {}", argument), "`uniscope crash list` shows them.");
}

struct Options {
    std::string core;
    std::string image;
    size_t events = 20;
    bool json = false;
    std::vector<std::string> gdb_arguments;
};

Result<int> list(const Options& options) {
    auto crashes = TRY(list_crashes());
    if (options.json) {
        auto array = nlohmann::json::array();
        for (const auto& crash : crashes) {
            auto entry = crash.sidecar;
            entry["core"] = crash.core.string();
            array.push_back(std::move(entry));
        }
        fmt::print("{}\n", array.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
        return 0;
    }
    fmt::print("{:<20} {:<16} {:<36} {}\n", "TIME", "INSTANCE", "CORE", "REASON");
    for (const auto& crash : crashes) {
        time_t time = crash.sidecar.value("time_unix", time_t{0});
        fmt::print("{:%Y-%m-%d %H:%M:%S}  {:<16} {:<36} {}\n", fmt::localtime(time), crash.text("name"),
                   crash.core.filename().string(), crash.text("reason"));
    }
    return 0;
}

Result<int> show(const Options& options) {
    auto found = TRY(find_crash(options.core));
    auto crash = TRY(crash::load_crash(found.core, options.image, options.events));
    if (!crash.timeline_problem.empty())
        fmt::print(stderr, "uniscope: note: no events: {}\n", crash.timeline_problem);
    if (options.json)
        fmt::print("{}\n", to_json(crash.report).dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    else
        fmt::print("{}", to_text(crash.report));
    return 0;
}

Result<int> debug(const Options& options) {
    auto crash = TRY(find_crash(options.core));
    auto core = TRY(crash::CoreFile::open(crash.core));
    auto symbolizer = TRY(crash::open_crash_image(core, options.image));
    const char* chosen = std::getenv("UNISCOPE_GDB");
    std::vector<std::string> words = {chosen && *chosen ? chosen : "gdb", "-q", symbolizer.image().path().string(),
                                      crash.core.string()};
    words.insert(words.end(), options.gdb_arguments.begin(), options.gdb_arguments.end());
    std::vector<char*> argv;
    for (auto& word : words)
        argv.push_back(word.data());
    argv.push_back(nullptr);
    execvp(argv[0], argv.data());
    return tracer::fail_errno(fmt::format("cannot run {}", words[0]), errno,
                              "Install it (Debian: apt install gdb), or set UNISCOPE_GDB to it.");
}

Result<int> view(const Options& options) {
    auto crash = TRY(find_crash(options.core));
    auto core = TRY(crash::CoreFile::open(crash.core));
    auto symbolizer = TRY(crash::open_crash_image(core, options.image));
    return run_viewer({"--image", symbolizer.image().path().string(), crash.core.string()});
}

void add_core_options(CommandLine& line, Options& options) {
    line.add_option("core", options.core);
    line.add_option("--image", options.image, "The image that ran, when it is no longer where it was")
        .type_name("PATH");
}

constexpr std::string_view core_details = "CORE is a path, a name that `uniscope crash list` shows, or an instance's "
                                          "name for its\nnewest; without it, the newest of all.";

const VerbRegistration g_list{{
    .name = "crash list",
    .usage = "[OPTIONS]",
    .summary = "List the cores of instances that crashed",
    .details = "",
    .setup = [](CommandLine line) -> Action {
        auto options = std::make_shared<Options>();
        line.add_flag("--json", options->json, "Print JSON");
        return [options] { return list(*options); };
    },
}};

const VerbRegistration g_show{{
    .name = "crash show",
    .usage = "[OPTIONS] [CORE]",
    .summary = "Print why an instance crashed: reason, stacks, registers, the last events before",
    .details = core_details,
    .setup = [](CommandLine line) -> Action {
        auto options = std::make_shared<Options>();
        add_core_options(line, *options);
        line.add_option("--events", options->events, "So many events before the crash, 20 unless told").type_name("N");
        line.add_flag("--json", options->json, "Print JSON");
        return [options] { return show(*options); };
    },
}};

const VerbRegistration g_gdb{{
    .name = "crash gdb",
    .usage = "[OPTIONS] [CORE] [-- GDB ARGS...]",
    .summary = "Open a core in gdb",
    .details = core_details,
    .setup = [](CommandLine line) -> Action {
        auto options = std::make_shared<Options>();
        add_core_options(line, *options);
        line.add_option("arguments", options->gdb_arguments);
        return [options] { return debug(*options); };
    },
}};

const VerbRegistration g_view{{
    .name = "crash view",
    .usage = "[OPTIONS] [CORE]",
    .summary = "Open a core in the viewer, with the timeline of the last events before",
    .details = core_details,
    .setup = [](CommandLine line) -> Action {
        auto options = std::make_shared<Options>();
        add_core_options(line, *options);
        return [options] { return view(*options); };
    },
}};

} // namespace

} // namespace cli
