#pragma once
// The table of verbs. A verb is one file: it defines a VerbRegistration at namespace scope, and main() does the rest.
//
//     const cli::VerbRegistration g_ps{{
//         .name = "ps",
//         .usage = "[OPTIONS]",
//         .summary = "List instances",
//         .details = "",
//         .setup = [](CommandLine line) -> cli::Action {
//             auto options = std::make_shared<Options>();
//             line.add_flag("--json", options->json, "Print JSON");
//             return [options] { return list(*options); };
//         },
//     }};

#include "tracer/Result.h"
#include "tracer/cli/CommandLine.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace cli {

inline constexpr const char* program_summary = "Boot, debug and trace unikernel images";

/// Runs the verb after its options were parsed; yields the exit status of the process.
using Action = std::function<tracer::Result<int>()>;

struct Verb {
    /// "ps", or "crash show": a verb of a group.
    std::string_view name;
    /// What follows the name in the usage line: "[OPTIONS] IMAGE [ARGS...]".
    std::string_view usage;
    /// One line without a full stop.
    std::string_view summary;
    /// Paragraphs for --help, may be empty.
    std::string_view details;
    /// Exit status for the tool's own errors; 125 where the status is that of an app or a command.
    int error_status = 1;
    /// Adds options to the subcommand. Called before parsing, for every verb: it must be cheap.
    /// Options with a value say what it is with type_name("N"); positional arguments show in `usage` only.
    std::function<Action(CommandLine)> setup;
};

struct VerbRegistration {
    explicit VerbRegistration(Verb verb);
};

/// All verbs, by the order of the command line reference: verb_order() first, then by name.
std::vector<Verb> all_verbs();

/// "crash" → "Look at what made instances die".
std::string_view group_summary(std::string_view group);

/// Adds every verb to `app`; `chosen` and `error_status` are set when parsing met one.
void add_verbs(CLI::App& app, const std::vector<Verb>& verbs, Action& chosen, int& error_status);

/// The direct subcommand of that name, or null.
CLI::App* find_subcommand(const CLI::App& app, std::string_view name);

/// What --help prints: of the verb of that name, or of the program when it is empty. Empty when there is no such verb.
std::string help_of(std::string_view name);

/// Writes "uniscope: message" and the hint to the standard error stream.
void print_error(const tracer::Error& error);

} // namespace cli
