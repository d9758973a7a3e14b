#include "tracer/cli/Verb.h"

#include <fmt/format.h>

#include <memory>

namespace cli {

namespace {

struct Options {
    bool markdown = false;
    std::vector<std::string> words;
};

void print_markdown() {
    fmt::print("# The command line\n\n"
               "Made by `uniscope help --markdown`; a test checks that it is current.\n\n"
               "```\n{}```\n",
               help_of(""));
    for (const Verb& verb : all_verbs())
        fmt::print("\n## uniscope {}\n\n```\n{}```\n", verb.name, help_of(verb.name));
}

tracer::Result<int> show_help(const Options& options) {
    if (options.markdown) {
        print_markdown();
        return 0;
    }
    const std::string name = fmt::format("{}", fmt::join(options.words, " "));
    const std::string text = help_of(name);
    if (text.empty())
        return tracer::fail(fmt::format("there is no verb `{}`", name), "`uniscope help` lists the verbs.");
    fmt::print("{}", text);
    return 0;
}

const VerbRegistration g_help{{
    .name = "help",
    .usage = "[VERB]",
    .summary = "Show help on a verb",
    .details = "",
    .setup = [](CommandLine line) -> Action {
        auto options = std::make_shared<Options>();
        line.add_option("VERB", options->words, "The verb to explain");
        line.add_flag("--markdown", options->markdown, "Print the whole reference, as in docs/cli.md");
        return [options] { return show_help(*options); };
    },
}};

} // namespace

} // namespace cli
