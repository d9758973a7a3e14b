#include "tracer/cli/Verb.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <csignal>
#include <cstdio>
#include <string_view>

namespace {

/// QEMU's -smp is --cpus here: CLI11 knows no long names behind one dash. Only up to the first word that is no option.
void accept_smp(const CLI::App& app, int argc, char** argv) {
    const CLI::App* verb = argc > 1 ? cli::find_subcommand(app, argv[1]) : nullptr;
    static char replacement[] = "--cpus";
    for (int i = 2; verb && i < argc && argv[i][0] == '-' && std::string_view(argv[i]) != "--"; ++i) {
        if (std::string_view(argv[i]) == "-smp")
            argv[i] = replacement;
        const CLI::Option* option = verb->get_option_no_throw(argv[i]);
        if (option && option->get_items_expected_max() > 0)
            ++i;
    }
}

} // namespace

int main(int argc, char** argv) {
    // A reader that went away (`uniscope logs shop | head`) is an error of the write, not the end of a supervisor.
    std::signal(SIGPIPE, SIG_IGN);

    CLI::App app(cli::program_summary);
    app.set_version_flag("--version", "uniscope " UNISCOPE_VERSION, "Show the version");
    app.require_subcommand(1);
    cli::Action chosen;
    int error_status = 2;
    cli::add_verbs(app, cli::all_verbs(), chosen, error_status);
    if (argc < 2) {
        fmt::print("{}", app.help());
        return error_status;
    }
    accept_smp(app, argc, argv);
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& success) {
        return app.exit(success);
    } catch (const CLI::ParseError& error) {
        cli::print_error({error.what(), "`uniscope help [VERB]` shows the usage."});
        return error_status;
    }
    const tracer::Result<int> status = [&]() -> tracer::Result<int> {
        try {
            return chosen();
        } catch (const nlohmann::json::exception& error) { // of another release, or of another user
            return tracer::fail("a supervisor gave an answer that this tool does not understand", error.what());
        }
    }();
    if (!status) {
        cli::print_error(status.error());
        return error_status;
    }
    return *status;
}
