// key new, list, show, enroll: who a user is to instances.

#include "tracer/auth/KeyStore.h"
#include "tracer/cli/Verb.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <memory>

namespace cli {

namespace {

using tracer::NamedKey;
using tracer::Result;

struct Options {
    std::vector<std::string> keys;
    std::string role;
    std::string rootfs;
    bool json = false;
};

nlohmann::json to_json(const tracer::KeyStore& store, const NamedKey& key) {
    return {{"name", key.name},
            {"id", key.key.id_text()},
            {"public", key.key.text()},
            {"file", store.private_path(key.name).string()}};
}

std::string name_or_default(const Options& options) {
    return options.keys.empty() ? std::string(tracer::default_key_name) : options.keys.front();
}

Result<int> make(const Options& options) {
    const auto store = TRY(tracer::KeyStore::open());
    const NamedKey key = TRY(store.make(name_or_default(options)));
    if (options.json)
        fmt::print("{}\n", to_json(store, key).dump(2));
    else
        fmt::print("{}\nThe private key is in {}: it stays on this machine.\nTo let it in: uniscope key enroll --role "
                   "ROLE {}\n",
                   key.key.text(), store.private_path(key.name).string(), key.name);
    return 0;
}

Result<int> list(const Options& options) {
    const auto store = TRY(tracer::KeyStore::open());
    const auto keys = TRY(store.list());
    if (options.json) {
        auto array = nlohmann::json::array();
        for (const NamedKey& key : keys)
            array.push_back(to_json(store, key));
        fmt::print("{}\n", array.dump(2));
        return 0;
    }
    size_t width = 4;
    for (const NamedKey& key : keys)
        width = std::max(width, key.name.size());
    fmt::print("{:<{}}  {:<32}  {}\n", "NAME", width, "ID", "PUBLIC KEY");
    for (const NamedKey& key : keys)
        fmt::print("{:<{}}  {}  {}\n", key.name, width, key.key.id_text(), key.key.text());
    return 0;
}

Result<int> show(const Options& options) {
    const auto store = TRY(tracer::KeyStore::open());
    const NamedKey key = TRY(store.resolve(name_or_default(options)));
    if (options.json) {
        fmt::print("{}\n", to_json(store, key).dump(2));
        return 0;
    }
    fmt::print("name        {}\nid          {}\npublic key  {}\n", key.name, key.key.id_text(), key.key.text());
    return 0;
}

Result<int> enroll(const Options& options) {
    if (options.role.empty())
        return tracer::fail("which role?", "Give --role tracer, observer or operator.");
    const auto role = TRY(tracer::parse_role(options.role));
    const auto store = TRY(tracer::KeyStore::open());
    std::vector<std::string> names = options.keys;
    if (names.empty())
        names.emplace_back(tracer::default_key_name);
    std::vector<NamedKey> keys;
    for (const std::string& name : names)
        keys.push_back(TRY(store.resolve(name)));
    for (const NamedKey& key : keys) {
        const std::string what = key.name.empty() ? key.key.text() : key.name;
        if (options.rootfs.empty())
            fmt::print("{}\n", tracer::enrolling_word(key, role));
        else if (TRY(tracer::enroll_in_root(options.rootfs, key, role)))
            fmt::print("{} is {} in images that use {}\n", what, tracer::name_of(role), options.rootfs);
        else
            fmt::print("{} is {} there already\n", what, tracer::name_of(role));
    }
    return 0;
}

template <typename Run>
std::function<Action(CommandLine)> with_options(Run run, bool has_keys, bool has_json) {
    return [=](CommandLine line) -> Action {
        auto options = std::make_shared<Options>();
        if (has_keys)
            line.add_option("key", options->keys);
        if (has_json)
            line.add_flag("--json", options->json, "Print JSON");
        return [options, run] { return run(*options); };
    };
}

const VerbRegistration g_new{{
    .name = "key new",
    .usage = "[OPTIONS] [NAME]",
    .summary = "Make a key that instances can know you by",
    .details =
        "The private half stays in ~/.config/uniscope/keys, readable by you alone; the public half is what "
        "`uniscope key\nenroll` hands out. Without a NAME the key is `default`, which other verbs use unless told.",
    .setup = with_options(make, true, true),
}};

const VerbRegistration g_list{{
    .name = "key list",
    .usage = "[OPTIONS]",
    .summary = "List your keys",
    .details = "",
    .setup = with_options(list, false, true),
}};

const VerbRegistration g_show{{
    .name = "key show",
    .usage = "[OPTIONS] [KEY]",
    .summary = "Show the public half of a key",
    .details = "KEY is the name of one of yours, a .pub file, or a public key itself.",
    .setup = with_options(show, true, true),
}};

const VerbRegistration g_enroll{{
    .name = "key enroll",
    .usage = "--role ROLE [OPTIONS] [KEY...]",
    .summary = "Let keys debug or trace instances",
    .details =
        "Prints the words that let the keys in, for the kernel command line of any launcher. With --rootfs they "
        "are written\nto etc/uniscope/authorized_keys there instead, which every instance with that root file "
        "system reads at boot.\n\nROLE says what the key's owner may do:\n  tracer    record traces, switch "
        "probes, read counters; sees no memory\n  observer  also read memory and the registers of threads that "
        "do not run; changes and stops nothing\n  operator  everything\n\nKEY is the name of one of yours, a .pub "
        "file, or a public key itself; `default` unless given.",
    .setup = [](CommandLine line) -> Action {
        auto options = std::make_shared<Options>();
        line.add_option("--role", options->role, "tracer, observer or operator").type_name("ROLE");
        line.add_option("--rootfs", options->rootfs, "Write to this root file system instead").type_name("DIR");
        line.add_option("key", options->keys);
        return [options] { return enroll(*options); };
    },
}};

} // namespace

} // namespace cli
