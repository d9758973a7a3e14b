// stop, kill and wait: the end of an instance.

#include "tracer/cli/Target.h"
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
        if (tracer::looks_like_endpoint(name))
            return tracer::fail(fmt::format("what is at {} was started by somebody else", name),
                                "Stop it where it was started.");
        const auto instance = TRY(registry.find_alive(name));
        if (instance.facts.is_added())
            return tracer::fail(fmt::format("{} was started by somebody else: it can be forgotten, not stopped", name),
                                fmt::format("Stop it where it was started; `uniscope rm {}` forgets it.", name));
        const auto answer = tracer::manage(instance.socket("manage"), {{"do", request}}, seconds(3));
        // A supervisor that hangs takes its machine with it.
        if (!answer && std::string_view(request) == "kill" && instance.scope == tracer::Scope::User) {
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

void print_ending(const std::string& name, const tracer::Ending& ending, bool json) {
    if (json)
        fmt::print("{}\n", to_json(ending).dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    else if (ending.how != "exited")
        fmt::print(stderr, "uniscope: {} {}: {}\n", name, ending.how, ending.reason);
}

/// Its supervisor stays when it ends, for it may be started again.
Result<int> wait_for_added(const Target& target, bool json) {
    const auto answer = TRY(tracer::manage(target.instance.socket("manage"), {{"do", "wait"}},
                                           milliseconds(std::numeric_limits<int32_t>::max())));
    const tracer::Ending ending{answer.value("status", 0), answer.value("how", ""), answer.value("reason", ""),
                                answer.value("core", ""), answer.value("ended_unix", int64_t{0})};
    print_ending(target.name(), ending, json);
    return ending.status;
}

Result<int> wait(const Options& options) {
    const auto registry = TRY(tracer::Registry::open());
    if (options.names.size() != 1)
        return tracer::fail("which instance?", "`uniscope ps -a` lists them.");
    auto instance = registry.find(options.names.front());
    if (!instance || instance->facts.is_added())
        return wait_for_added(TRY(open_target(options.names.front())), options.json);
    const std::string name = shown_name(*instance);
    if (instance->alive) {
        const auto answer = tracer::manage(instance->socket("manage"), {{"do", "wait"}},
                                           milliseconds(std::numeric_limits<int32_t>::max()));
        // Its last words may have crossed our question.
        auto gone = wait_until_gone(registry, name, seconds(10));
        if (!gone)
            return std::unexpected(answer ? gone.error() : answer.error());
        instance = *gone;
    }
    if (!instance->ending)
        return tracer::fail(fmt::format("the supervisor of {} was killed: its exit status is lost", name));
    print_ending(name, *instance->ending, options.json);
    return instance->ending->status;
}

const VerbRegistration g_stop{{
    .name = "stop",
    .usage = "NAME...",
    .summary = "End instances",
    .details = "",
    .setup = [](CommandLine line) -> Action {
        auto options = std::make_shared<Options>();
        line.add_option("NAME", options->names);
        return [options] { return end_all(*options, "quit"); };
    },
}};

const VerbRegistration g_kill{{
    .name = "kill",
    .usage = "NAME...",
    .summary = "End instances at once, whatever state they are in",
    .details = "",
    .setup = [](CommandLine line) -> Action {
        auto options = std::make_shared<Options>();
        line.add_option("NAME", options->names);
        return [options] { return end_all(*options, "kill"); };
    },
}};

const VerbRegistration g_wait{{
    .name = "wait",
    .usage = "[OPTIONS] NAME|ENDPOINT",
    .summary = "Wait for an instance's end and exit with its status",
    .details = "Works for a day after the end, too. 125 is this tool's own error.",
    .error_status = 125,
    .setup = [](CommandLine line) -> Action {
        auto options = std::make_shared<Options>();
        line.add_option("NAME", options->names);
        line.add_flag("--json", options->json, "Print how it ended, as JSON");
        return [options] { return wait(*options); };
    },
}};

} // namespace

} // namespace cli
