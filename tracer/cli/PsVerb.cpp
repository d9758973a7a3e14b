#include "tracer/cli/Verb.h"
#include "tracer/instance/Registry.h"
#include "tracer/link/ManageClient.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <memory>

namespace cli {

namespace {

struct Options {
    bool all = false;
    bool json = false;
};

std::string duration(int64_t seconds) {
    seconds = std::max<int64_t>(seconds, 0);
    if (seconds < 120)
        return fmt::format("{}s", seconds);
    if (seconds < 7200)
        return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
    if (seconds < 48 * 3600)
        return fmt::format("{}h{:02}m", seconds / 3600, seconds / 60 % 60);
    return fmt::format("{}d{}h", seconds / 86400, seconds / 3600 % 24);
}

std::string state_of(const tracer::Instance& instance) {
    if (!instance.alive)
        return fmt::format("{} ({})", instance.ending->how, instance.ending->status);
    const auto status = tracer::manage(instance.socket("manage"), {{"do", "status"}}, std::chrono::seconds(2));
    if (!status)
        return "not answering";
    const std::string state = status->value("state", "");
    return state == "stopped" ? "stopped in debugger" : state;
}

tracer::Result<int> list(const Options& options) {
    const auto registry = TRY(tracer::Registry::open());
    const int64_t now = std::time(nullptr);
    auto array = nlohmann::json::array();
    std::vector<std::array<std::string, 8>> rows = {
        {"NAME", "STATE", "CPUS", "MEMORY", "UPTIME", "MACHINE", "PID", "IMAGE"}};
    for (const tracer::Instance& instance : TRY(registry.list())) {
        if (!instance.alive && !options.all)
            continue;
        const tracer::InstanceFacts& facts = instance.facts;
        const std::string state = state_of(instance);
        const int64_t until = instance.ending ? instance.ending->ended_unix : now;
        rows.push_back({facts.name, state, std::to_string(facts.cpus), fmt::format("{}M", facts.memory_mib),
                        duration(until - facts.started_unix), fmt::format("{}/{}", facts.machine, facts.accelerator),
                        std::to_string(facts.pid), facts.image});
        nlohmann::json entry = to_json(facts);
        entry["state"] = state;
        entry["alive"] = instance.alive;
        entry["uptime_seconds"] = until - facts.started_unix;
        entry["directory"] = instance.directory.string();
        if (instance.ending)
            entry["ending"] = to_json(*instance.ending);
        array.push_back(entry);
    }
    if (options.json) {
        fmt::print("{}\n", array.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
        return 0;
    }
    std::array<size_t, 8> widths{};
    for (const auto& row : rows)
        for (size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], row[i].size());
    for (const auto& row : rows) {
        std::string line;
        for (size_t i = 0; i < row.size(); ++i)
            line += i + 1 == row.size() ? row[i] : fmt::format("{:<{}}  ", row[i], widths[i]);
        fmt::print("{}\n", line);
    }
    return 0;
}

const VerbRegistration g_ps{{
    .name = "ps",
    .usage = "[OPTIONS]",
    .summary = "List instances",
    .details = "",
    .setup = [](CLI::App& app) -> Action {
        auto options = std::make_shared<Options>();
        app.add_flag("-a,--all", options->all, "Also those that ended during the last day");
        app.add_flag("--json", options->json, "Print JSON");
        return [options] { return list(*options); };
    },
}};

} // namespace

} // namespace cli
