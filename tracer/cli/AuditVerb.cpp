// audit: who came to an instance, who was refused, and what was changed in it.

#include "tracer/cli/Verb.h"
#include "tracer/instance/AuditLog.h"
#include "tracer/instance/Registry.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <memory>

namespace cli {

namespace {

struct Options {
    std::string name;
    bool json = false;
};

std::string text_of(const nlohmann::json& entry, const char* key) {
    const auto found = entry.find(key);
    return found != entry.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string time_of(const nlohmann::json& entry) {
    const auto found = entry.find("time_ns");
    const uint64_t time = found != entry.end() && found->is_number_unsigned() ? found->get<uint64_t>() : 0;
    const auto second = static_cast<std::time_t>(time / 1'000'000'000);
    std::tm parts{};
    localtime_r(&second, &parts);
    return fmt::format("{:%Y-%m-%d %H:%M:%S}.{:03}", parts, time / 1'000'000 % 1000);
}

tracer::Result<int> show(const Options& options) {
    const auto registry = TRY(tracer::Registry::open());
    const auto instance = TRY(registry.find(options.name));
    const auto entries = TRY(tracer::read_audit_log(instance.directory / "audit.log"));
    if (options.json) {
        fmt::print("{}\n", nlohmann::json(entries).dump(2, ' ', true, nlohmann::json::error_handler_t::replace));
        return 0;
    }
    for (const auto& entry : entries) {
        std::string who = text_of(entry, "key");
        if (who.empty())
            who = text_of(entry, "key_id").substr(0, 8);
        fmt::print("{}  {:<8}  {:<12}  {}\n", time_of(entry), text_of(entry, "role"), who.empty() ? "-" : who,
                   text_of(entry, "line"));
    }
    return 0;
}

const VerbRegistration g_audit{{
    .name = "audit",
    .usage = "[OPTIONS] NAME",
    .summary = "Show who debugged or traced an instance, who was refused, and what was changed",
    .details = "Time, role, key, and what was done: as the instance told it since its supervisor is there, and for a "
               "few\nmoments before. The newest 1 to 2 MiB of it; for a day after its end, too.",
    .setup = [](CommandLine line) -> Action {
        auto options = std::make_shared<Options>();
        line.add_option("NAME", options->name).required();
        line.add_flag("--json", options->json, "Print JSON");
        return [options] { return show(*options); };
    },
}};

} // namespace

} // namespace cli
