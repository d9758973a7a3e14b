#include "tracer/cli/Target.h"

#include "tracer/auth/KeyStore.h"
#include "tracer/cli/Background.h"
#include "tracer/image/Image.h"
#include "tracer/instance/Directories.h"
#include "tracer/link/ManageClient.h"
#include "tracer/symbols/FindImage.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <filesystem>
#include <optional>
#include <thread>

namespace cli {

using tracer::fail;
using tracer::Result;

namespace {

/// A supervisor takes leave of gdb and the recording before it ends.
constexpr std::chrono::seconds ending_time{10};

/// "serial:/dev/pts/3" → "serial-dev-pts-3".
std::string name_from(const std::string& endpoint) {
    std::string name;
    for (const char letter : endpoint) {
        const bool is_plain = std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '.' || letter == '_';
        if (is_plain)
            name += letter;
        else if (!name.ends_with('-'))
            name += '-';
    }
    // The end of a long path tells more than its beginning.
    const size_t longest = 40;
    if (name.size() > longest)
        name = "at" + name.substr(name.size() - (longest - 2));
    while (!name.empty() && !std::isalnum(static_cast<unsigned char>(name.back())))
        name.pop_back();
    return tracer::is_valid_name(name) ? name : "endpoint";
}

Result<Target> held(tracer::Instance instance) {
    auto hold = TRY(tracer::hold(instance.socket("manage")));
    return Target{std::move(instance), std::move(hold)};
}

/// A line has one user: whoever has a supervisor of it already shares that. One that was for another verb, and is about
/// to end, is waited for. Nothing when there is none.
Result<std::optional<Target>> share_supervisor(const tracer::Registry& registry, const std::string& endpoint) {
    const auto deadline = std::chrono::steady_clock::now() + ending_time;
    while (true) {
        auto instances = TRY(registry.list());
        const auto found = std::ranges::find_if(instances, [&](const tracer::Instance& instance) {
            return instance.facts.endpoint == endpoint && instance.alive;
        });
        if (found == instances.end())
            return std::nullopt;
        auto shared = held(std::move(*found));
        if (shared)
            return std::move(*shared);
        if (std::chrono::steady_clock::now() > deadline)
            return std::unexpected(shared.error());
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
}

Result<Target> open_endpoint(const std::string& text, const std::string& image, const IdentityArguments& identity) {
    const tracer::Endpoint endpoint = tracer::made_absolute(TRY(tracer::parse_endpoint(text)));
    const std::string canonical = to_string(endpoint);
    const auto registry = TRY(tracer::Registry::open());
    if (auto served = TRY(share_supervisor(registry, canonical)))
        return std::move(*served);
    const std::string base = name_from(canonical);
    for (int number = 1; number < 100; ++number) {
        const std::string name = number == 1 ? base : fmt::format("{}-{}", base, number);
        auto claimed = registry.claim(name);
        if (!claimed)
            continue;
        tracer::AttachOptions options = TRY(attach_options(endpoint, image, identity));
        options.transient = true;
        TRY(start_attached(std::move(*claimed), std::move(options)));
        return held(TRY(registry.find(fmt::format("{}/{}", name_of(tracer::Scope::User), name))));
    }
    return fail(fmt::format("there is no free name for {}", canonical), "`uniscope ps -a` shows what has them.");
}

/// The supervisor of an added instance was killed: it gets another.
Result<> serve_again(const tracer::Registry& registry, const tracer::Instance& instance) {
    const auto endpoint = TRY(tracer::parse_endpoint(instance.facts.endpoint));
    auto claimed = registry.claim_unserved(instance);
    if (!claimed)
        return {}; // somebody else was quicker
    // The image's file may be another build by now.
    tracer::AttachOptions options;
    options.endpoint = endpoint;
    options.image = instance.facts.image;
    options.build_id = instance.facts.build_id;
    options.identity = TRY(parse_identity({instance.facts.key, instance.facts.role}));
    const auto started = start_attached(std::move(*claimed), std::move(options));
    return registry.find(instance.facts.name).value_or(tracer::Instance{}).alive ? Result<>() : started;
}

} // namespace

std::string shown_name(const tracer::Instance& instance) {
    return instance.scope == tracer::Scope::System ? fmt::format("system/{}", instance.facts.name)
                                                   : instance.facts.name;
}

Result<tracer::Registry> open_registry(tracer::Scope scope) {
    if (scope == tracer::Scope::System)
        TRY(tracer::make_system_directory());
    return tracer::Registry::open();
}

void add_identity_options(CommandLine& line, IdentityArguments& arguments) {
    line.add_option("--key", arguments.key, "Which of your keys to show where one is asked for, `default` unless told")
        .type_name("KEY");
    line.add_option("--role", arguments.role, "As what: tracer, observer or operator; as what the key may unless told")
        .type_name("ROLE");
}

Result<tracer::LinkIdentity> parse_identity(const IdentityArguments& arguments) {
    tracer::LinkIdentity identity;
    identity.key = arguments.key;
    if (!arguments.key.empty())
        TRY(TRY(tracer::KeyStore::open()).load(arguments.key));
    if (!arguments.role.empty())
        identity.role = TRY(tracer::parse_role(arguments.role));
    return identity;
}

Result<tracer::AttachOptions> attach_options(const tracer::Endpoint& endpoint, const std::string& image,
                                             const IdentityArguments& identity) {
    tracer::AttachOptions options;
    options.endpoint = endpoint;
    options.identity = TRY(parse_identity(identity));
    if (image.empty())
        return options;
    const auto file = TRY(tracer::Image::open(image));
    TRY(file.check_bootable());
    std::error_code error;
    options.image = std::filesystem::absolute(image, error);
    options.build_id = file.build_id();
    (void)tracer::remember_image(file);
    return options;
}

Result<> start_attached(tracer::ClaimedName name, tracer::AttachOptions options) {
    return start_in_background(std::move(name), [&options](tracer::ClaimedName claimed, Ready ready) -> Result<> {
        options.on_ready = std::move(ready);
        return tracer::AttachedInstance(std::move(options), std::move(claimed)).run();
    });
}

Result<Target> open_target(const std::string& text, const std::string& image, const IdentityArguments& identity) {
    if (tracer::looks_like_endpoint(text))
        return open_endpoint(text, image, identity);
    const auto registry = TRY(tracer::Registry::open());
    auto instance = TRY(registry.find_alive(text));
    if (registry.find_every(text).size() > 1)
        fmt::print(stderr,
                   "uniscope: note: the system registry has a {0}, too; this is your own (system/{0} is the "
                   "other)\n",
                   instance.facts.name);
    if (!instance.alive) {
        TRY(serve_again(registry, instance));
        instance = TRY(registry.find_alive(fmt::format("{}/{}", name_of(instance.scope), instance.facts.name)));
    }
    return Target{std::move(instance), {}};
}

} // namespace cli
