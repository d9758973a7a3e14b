#include "tracer/cli/Target.h"
#include "tracer/cli/Verb.h"
#include "tracer/instance/Registry.h"
#include "tracer/link/ManageClient.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
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

/// What the supervisor says; nothing when it does not answer.
nlohmann::json status_of(const tracer::Instance& instance) {
    if (!instance.alive)
        return nullptr;
    return tracer::manage(instance.socket("manage"), {{"do", "status"}}, std::chrono::seconds(2)).value_or(nullptr);
}

std::string state_of(const tracer::Instance& instance, const nlohmann::json& status) {
    if (!instance.alive && instance.ending)
        return fmt::format("{} ({})", instance.ending->how, instance.ending->status);
    if (!instance.alive)
        return "not watched"; // the next verb gives it a supervisor
    if (!status.is_object())
        return "not answering";
    const std::string state = status.value("state", "");
    if (status.contains("last_end") && !status.value("reachable", false))
        return fmt::format("{} ({})", state, status["last_end"].value("status", 0));
    return state == "stopped" ? "stopped in debugger" : state;
}

std::string or_dash(const std::string& text) {
    return text.empty() ? "-" : text;
}

using Row = std::vector<std::string>;

Row make_row(const tracer::Instance& instance, const std::string& state, int64_t uptime, bool with_endpoints) {
    const tracer::InstanceFacts& facts = instance.facts;
    const bool added = facts.is_added();
    Row row = {shown_name(instance),
               state,
               facts.cpus != 0 ? std::to_string(facts.cpus) : "-",
               facts.memory_mib != 0 ? fmt::format("{}M", facts.memory_mib) : "-",
               duration(uptime),
               added ? "-" : fmt::format("{}/{}", facts.machine, facts.accelerator),
               or_dash(facts.link),
               std::to_string(facts.pid)};
    if (with_endpoints)
        row.push_back(or_dash(facts.endpoint));
    row.push_back(or_dash(facts.image));
    return row;
}

nlohmann::json make_entry(const tracer::Instance& instance, const nlohmann::json& status, const std::string& state,
                          int64_t uptime) {
    nlohmann::json entry = to_json(instance.facts);
    entry["state"] = state;
    entry["alive"] = instance.alive;
    entry["registry"] = name_of(instance.scope);
    entry["uptime_seconds"] = uptime;
    entry["directory"] = instance.directory.string();
    entry["recording"] = status.is_object() && status.value("recording", false);
    entry["debugger"] = status.is_object() && status.value("debugger", false);
    if (instance.facts.is_added()) {
        entry["reachable"] = status.is_object() && status.value("reachable", false);
        entry["problem"] = status.is_object() ? status.value("problem", "") : "";
    }
    if (instance.ending)
        entry["ending"] = to_json(*instance.ending);
    return entry;
}

void print_table(const std::vector<Row>& rows) {
    std::vector<size_t> widths(rows.front().size());
    for (const Row& row : rows)
        for (size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], row[i].size());
    for (const Row& row : rows) {
        std::string line;
        for (size_t i = 0; i < row.size(); ++i)
            line += i + 1 == row.size() ? row[i] : fmt::format("{:<{}}  ", row[i], widths[i]);
        fmt::print("{}\n", line);
    }
}

tracer::Result<int> list(const Options& options) {
    const auto registry = TRY(tracer::Registry::open());
    auto instances = TRY(registry.list());
    std::erase_if(instances, [&](const tracer::Instance& instance) {
        return !options.all && !instance.alive && instance.ending.has_value();
    });
    const bool with_endpoints =
        std::ranges::any_of(instances, [](const auto& instance) { return instance.facts.is_added(); });
    const int64_t now = std::time(nullptr);
    auto array = nlohmann::json::array();
    std::vector<Row> rows = {{"NAME", "STATE", "CPUS", "MEMORY", "UPTIME", "MACHINE", "LINK", "PID"}};
    if (with_endpoints)
        rows.front().emplace_back("ENDPOINT");
    rows.front().emplace_back("IMAGE");
    std::vector<std::string> problems;
    for (const tracer::Instance& instance : instances) {
        const auto status = status_of(instance);
        const std::string state = state_of(instance, status);
        const int64_t uptime = (instance.ending ? instance.ending->ended_unix : now) - instance.facts.started_unix;
        rows.push_back(make_row(instance, state, uptime, with_endpoints));
        array.push_back(make_entry(instance, status, state, uptime));
        if (status.is_object() && status.contains("problem"))
            problems.push_back(fmt::format("{}: {}", shown_name(instance), status.value("problem", "")));
    }
    if (options.json) {
        fmt::print("{}\n", array.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
        return 0;
    }
    print_table(rows);
    std::fflush(stdout);
    for (const std::string& problem : problems)
        fmt::print(stderr, "uniscope: note: {}\n", problem);
    if (!registry.closed_reason().empty())
        fmt::print(stderr, "uniscope: note: the system registry is left out: {}\n", registry.closed_reason());
    return 0;
}

const VerbRegistration g_ps{{
    .name = "ps",
    .usage = "[OPTIONS]",
    .summary = "List instances",
    .details =
        "LINK is what carries the channels. UPTIME of an instance that was added is the time since then. Those of\n"
        "the system registry show as system/NAME.",
    .setup = [](CommandLine line) -> Action {
        auto options = std::make_shared<Options>();
        line.add_flag("-a,--all", options->all, "Also those that ended during the last day");
        line.add_flag("--json", options->json, "Print JSON");
        return [options] { return list(*options); };
    },
}};

} // namespace

} // namespace cli
