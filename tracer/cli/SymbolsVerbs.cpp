#include "tracer/cli/Output.h"
#include "tracer/cli/Verb.h"
#include "tracer/symbols/SymbolStore.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <memory>

namespace cli {

namespace {

using tracer::Result;

struct Options {
    std::vector<std::string> files;
    std::string max;
    bool link = false;
    bool json = false;
};

Result<int> list(const Options& options) {
    const auto store = TRY(tracer::SymbolStore::open());
    auto array = nlohmann::json::array();
    uint64_t total = 0;
    if (!options.json)
        fmt::print("{:<40}  {:<19}  {:>9}  {}\n", "BUILD ID", "LAST USED", "SIZE", "FILE");
    for (const tracer::StoredImage& image : store.list()) {
        total += image.size;
        if (options.json)
            array.push_back({{"build_id", image.build_id},
                             {"path", image.path.string()},
                             {"size", image.size},
                             {"last_used_unix", image.last_used},
                             {"link", image.link.string()}});
        else
            fmt::print("{:<40}  {:%Y-%m-%d %H:%M:%S}  {:>9}  {}\n", image.build_id, fmt::localtime(image.last_used),
                       image.link.empty() ? readable_size(image.size) : "link",
                       image.link.empty() ? image.path.string() : image.link.string());
    }
    if (options.json)
        fmt::print("{}\n", array.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    else
        fmt::print("{} of {} used\n", readable_size(total), readable_size(store.limit()));
    return 0;
}

Result<int> add(const Options& options) {
    if (options.files.empty())
        return tracer::fail("which images are to be kept?", "Usage: uniscope symbols add [--link] FILE...");
    const auto store = TRY(tracer::SymbolStore::open());
    for (const std::string& file : options.files) {
        const auto image = TRY(tracer::Image::open(file));
        if (options.link)
            TRY(store.add_link(image));
        else
            TRY(store.add(image));
        fmt::print("{}\n", image.build_id());
    }
    return 0;
}

Result<int> prune(const Options& options) {
    const auto store = TRY(tracer::SymbolStore::open());
    const uint64_t limit = options.max.empty() ? store.limit() : TRY(tracer::parse_size(options.max));
    fmt::print("{} removed\n", readable_size(store.prune(limit)));
    return 0;
}

const VerbRegistration g_list{{
    .name = "symbols list",
    .usage = "[OPTIONS]",
    .summary = "List the images that are kept, by build id",
    .details = "gdb finds them, too: set debug-file-directory ~/.local/share/uniscope/symbols",
    .setup = [](CommandLine line) -> Action {
        auto options = std::make_shared<Options>();
        line.add_flag("--json", options->json, "Print JSON");
        return [options] { return list(*options); };
    },
}};

const VerbRegistration g_add{{
    .name = "symbols add",
    .usage = "[OPTIONS] FILE...",
    .summary = "Keep images, so that instances, traces and cores of them can be read later",
    .details = "`uniscope run` and `uniscope add --image` do it by themselves. At most 2 GiB are kept, or\n"
               "UNISCOPE_SYMBOLS_LIMIT; those used longest ago go first.",
    .setup = [](CommandLine line) -> Action {
        auto options = std::make_shared<Options>();
        line.add_option("FILE", options->files);
        line.add_flag("--link", options->link, "Only remember where the file is, as uniscope-gcc and uniscope-g++ do");
        return [options] { return add(*options); };
    },
}};

const VerbRegistration g_prune{{
    .name = "symbols prune",
    .usage = "[OPTIONS]",
    .summary = "Remove the images that were used longest ago",
    .details = "",
    .setup = [](CommandLine line) -> Action {
        auto options = std::make_shared<Options>();
        line.add_option("--max", options->max, "So much may stay, e.g. 500M or 0; the store's limit unless told")
            .type_name("SIZE");
        return [options] { return prune(*options); };
    },
}};

} // namespace

} // namespace cli
