// add and rm: instances that somebody else started become known by a name, and are forgotten.

#include "tracer/cli/Target.h"
#include "tracer/cli/Verb.h"
#include "tracer/link/ManageClient.h"

#include <fmt/format.h>

#include <memory>
#include <thread>

namespace cli {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using tracer::fail;
using tracer::Result;

struct AddOptions {
    std::string name;
    std::string endpoint;
    std::string image;
    IdentityArguments identity;
    bool system = false;
};

Result<int> add(const AddOptions& options) {
    const auto endpoint = tracer::made_absolute(TRY(tracer::parse_endpoint(options.endpoint)));
    const auto scope = options.system ? tracer::Scope::System : tracer::Scope::User;
    const auto registry = TRY(open_registry(scope));
    tracer::AttachOptions attach = TRY(attach_options(endpoint, options.image, options.identity));
    tracer::ClaimedName claimed = TRY(registry.claim(options.name, scope));
    const auto reached = start_attached(std::move(claimed), std::move(attach));
    const auto instance = registry.find(fmt::format("{}/{}", name_of(scope), options.name));
    if (!instance || !instance->alive)
        return std::unexpected(reached ? instance.error() : reached.error());
    fmt::print("{}\n", shown_name(*instance));
    if (!reached)
        fmt::print(
            stderr, "uniscope: note: {0} cannot be reached now: {1}\n{2}{3}It is tried on until `uniscope rm {0}`.\n",
            options.name, reached.error().message, reached.error().hint, reached.error().hint.empty() ? "" : "\n");
    return 0;
}

struct RemoveOptions {
    std::vector<std::string> names;
};

Result<> forget(const tracer::Registry& registry, const tracer::Instance& instance) {
    if (!instance.alive)
        return registry.remove(instance);
    const std::string& name = instance.facts.name;
    if (!instance.facts.is_added())
        return fail(fmt::format("{} is running", name), fmt::format("Stop it first: uniscope stop {}", name));
    TRY(tracer::manage(instance.socket("manage"), {{"do", "forget"}}, seconds(5)));
    // gdb and the recording are taken leave of.
    const auto deadline = std::chrono::steady_clock::now() + seconds(15);
    std::error_code error;
    while (std::filesystem::exists(instance.directory / "instance.json", error)) {
        if (std::chrono::steady_clock::now() > deadline)
            return fail(fmt::format("the supervisor of {} does not end", name),
                        fmt::format("Its log: {}", (instance.directory / "supervisor.log").string()));
        std::this_thread::sleep_for(milliseconds(10));
    }
    return {};
}

Result<int> remove(const RemoveOptions& options) {
    if (options.names.empty())
        return fail("which instance is to be forgotten?", "`uniscope ps -a` lists them.");
    const auto registry = TRY(tracer::Registry::open());
    for (const std::string& name : options.names)
        TRY(forget(registry, TRY(registry.find(name))));
    return 0;
}

const VerbRegistration g_add{{
    .name = "add",
    .usage = "[OPTIONS] NAME ENDPOINT",
    .summary = "Register an instance that somebody else started",
    .details =
        "ENDPOINT is serial:PATH, unix:PATH, vsock:CID, tcp:HOST:PORT or ssh://HOST/NAME (docs/launchers.md). The "
        "name\n"
        "then stands for it in every verb. Its console is logged and its cores are received from here on. It is tried\n"
        "again as long as it cannot be reached, and after the link was cut. `uniscope rm` forgets it.",
    .setup = [](CommandLine line) -> Action {
        auto options = std::make_shared<AddOptions>();
        line.add_option("NAME", options->name).required();
        line.add_option("ENDPOINT", options->endpoint).required();
        line.add_option("--image", options->image,
                        "Image that runs there; without it, what it says it is has to be in the symbol store")
            .type_name("FILE");
        add_identity_options(line, options->identity);
        line.add_flag("--system", options->system,
                      "Register it for the group of the system registry, not for you alone");
        return [options] { return add(*options); };
    },
}};

const VerbRegistration g_rm{{
    .name = "rm",
    .usage = "NAME...",
    .summary = "Forget instances that were added, or that have ended",
    .details = "An instance that somebody else started is only forgotten: it runs on where it was started.",
    .setup = [](CommandLine line) -> Action {
        auto options = std::make_shared<RemoveOptions>();
        line.add_option("NAME", options->names);
        return [options] { return remove(*options); };
    },
}};

} // namespace

} // namespace cli
