// stop, kill and wait: the end of an instance.

#include "tracer/cli/Verb.h"
#include "tracer/instance/Registry.h"
#include "tracer/link/ManageClient.h"

#include <fmt/format.h>
#include <sys/types.h>

#include <csignal>
#include <cstdint>
#include <limits>
#include <memory>
#include <thread>

namespace cli {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using tracer::Result;

struct Options {
    std::vector<std::string> names;
    bool json = false;
};

/// Until the supervisor has gone, its ending written.
Result<tracer::Instance> wait_until_gone(const tracer::Registry& registry, const std::string& name,
                                         milliseconds timeout) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    while (std::chrono::steady_clock::now() < deadline) {
        auto instance = TRY(registry.find(name));
        if (!instance.alive)
            return instance;
        std::this_thread::sleep_for(milliseconds(10));
    }
    return tracer::fail(fmt::format("{} still runs after {} s", name, timeout.count() / 1000),
                        fmt::format("Force it: uniscope kill {}", name));
}

Result<int> end_all(const Options& options, const char* request) {
    const auto registry = TRY(tracer::Registry::open());
    if (options.names.empty())
        return tracer::fail("which instance?", "`uniscope ps` lists them.");
    for (const std::string& name : options.names) {
        const auto instance = TRY(registry.find_alive(name));
        const auto answer = tracer::manage(instance.socket("manage"), {{"do", request}}, seconds(3));
        // A supervisor that hangs takes its machine with it.
        if (!answer && std::string_view(request) == "kill") {
            kill(static_cast<pid_t>(instance.facts.qemu_pid), SIGKILL);
            kill(static_cast<pid_t>(instance.facts.pid), SIGKILL);
            continue;
        }
        if (!answer && registry.find(name).value_or(tracer::Instance{}).alive)
            return std::unexpected(answer.error());
        TRY(wait_until_gone(registry, name, seconds(10)));
    }
    return 0;
}

Result<int> wait(const Options& options) {
    const auto registry = TRY(tracer::Registry::open());
    if (options.names.size() != 1)
        return tracer::fail("which instance?", "`uniscope ps -a` lists them.");
    const std::string& name = options.names.front();
    auto instance = TRY(registry.find(name));
    if (instance.alive) {
        const auto answer = tracer::manage(instance.socket("manage"), {{"do", "wait"}},
                                           milliseconds(std::numeric_limits<int32_t>::max()));
        // Its last words may have crossed our question.
        auto gone = wait_until_gone(registry, name, seconds(10));
        if (!gone)
            return std::unexpected(answer ? gone.error() : answer.error());
        instance = *gone;
    }
    if (!instance.ending)
        return tracer::fail(fmt::format("the supervisor of {} was killed: its exit status is lost", name));
    const tracer::Ending& ending = *instance.ending;
    if (options.json)
        fmt::print("{}\n", to_json(ending).dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    else if (ending.how != "exited")
        fmt::print(stderr, "uniscope: {} {}: {}\n", name, ending.how, ending.reason);
    return ending.status;
}

const VerbRegistration g_stop{{
    .name = "stop",
    .usage = "NAME...",
    .summary = "End instances",
    .details = "",
    .setup = [](CLI::App& app) -> Action {
        auto options = std::make_shared<Options>();
        app.add_option("NAME", options->names);
        return [options] { return end_all(*options, "quit"); };
    },
}};

const VerbRegistration g_kill{{
    .name = "kill",
    .usage = "NAME...",
    .summary = "End instances at once, whatever state they are in",
    .details = "",
    .setup = [](CLI::App& app) -> Action {
        auto options = std::make_shared<Options>();
        app.add_option("NAME", options->names);
        return [options] { return end_all(*options, "kill"); };
    },
}};

const VerbRegistration g_wait{{
    .name = "wait",
    .usage = "[OPTIONS] NAME",
    .summary = "Wait for an instance's end and exit with its status",
    .details = "Works for a day after the end, too. 125 is this tool's own error.",
    .error_status = 125,
    .setup = [](CLI::App& app) -> Action {
        auto options = std::make_shared<Options>();
        app.add_option("NAME", options->names);
        app.add_flag("--json", options->json, "Print how it ended, as JSON");
        return [options] { return wait(*options); };
    },
}};

} // namespace

} // namespace cli
