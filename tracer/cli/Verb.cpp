#include "tracer/cli/Verb.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <memory>

namespace cli {

namespace {

constexpr std::array verb_order = {
    "run",       "add",        "ps",         "logs",         "console",     "wait",          "stop",       "kill",
    "rm",        "gdb",        "record",     "report",       "export",      "view",          "crash list", "crash show",
    "crash gdb", "crash view", "dump",       "symbols list", "symbols add", "symbols prune", "audit",      "key new",
    "key list",  "key show",   "key enroll", "proxy",        "help",
};

std::vector<Verb>& registered_verbs() {
    static std::vector<Verb> verbs;
    return verbs;
}

size_t rank_of(const Verb& verb) {
    return static_cast<size_t>(std::ranges::find(verb_order, verb.name) - verb_order.begin());
}

/// The whole help text is made here, not by CLI11, whose layout differs between its versions: docs/cli.md must not.
class VerbFormatter : public CLI::Formatter {
public:
    std::string make_help(const CLI::App* app, std::string, CLI::AppFormatMode) const override {
        std::string text = fmt::format("{}.\n\nUsage: {}\n", app->get_description(), m_usages.at(app));
        if (!app->get_footer().empty())
            text += fmt::format("\n{}\n", app->get_footer());
        std::vector<std::pair<std::string, std::string>> rows;
        for (const CLI::App* subcommand : app->get_subcommands([](const CLI::App*) { return true; }))
            rows.emplace_back(subcommand->get_name(), subcommand->get_description());
        append_table(text, "Verbs", rows);
        rows.clear();
        for (const CLI::Option* option : app->get_options())
            if (!option->get_group().empty() && option->nonpositional())
                rows.emplace_back(names_of(*option), option->get_description());
        append_table(text, "Options", rows);
        return text;
    }

    void set_usage(const CLI::App* app, std::string usage) { m_usages[app] = std::move(usage); }

private:
    static std::string names_of(const CLI::Option& option) {
        std::vector<std::string> names;
        for (const std::string& name : option.get_snames())
            names.push_back("-" + name);
        for (const std::string& name : option.get_lnames())
            names.push_back("--" + name);
        const bool is_flag = option.get_items_expected_max() == 0;
        return fmt::format("{}{}{}", fmt::join(names, ", "), is_flag ? "" : " ", is_flag ? "" : option.get_type_name());
    }

    static void append_table(std::string& text, std::string_view title,
                             const std::vector<std::pair<std::string, std::string>>& rows) {
        if (rows.empty())
            return;
        size_t width = 0;
        for (const auto& [name, description] : rows)
            width = std::max(width, name.size());
        text += fmt::format("\n{}:\n", title);
        for (const auto& [name, description] : rows)
            text += fmt::format("  {:<{}}  {}\n", name, width, description);
    }

    std::map<const CLI::App*, std::string> m_usages;
};

} // namespace

VerbRegistration::VerbRegistration(Verb verb) {
    registered_verbs().push_back(std::move(verb));
}

std::vector<Verb> all_verbs() {
    std::vector<Verb> verbs = registered_verbs();
    std::ranges::sort(verbs, [](const Verb& a, const Verb& b) {
        return std::pair(rank_of(a), a.name) < std::pair(rank_of(b), b.name);
    });
    return verbs;
}

std::string_view group_summary(std::string_view group) {
    if (group == "crash")
        return "Look at what made instances die";
    if (group == "symbols")
        return "The images that are kept for their symbols";
    if (group == "key")
        return "Say who you are to instances, and let others in";
    return "";
}

CLI::App* find_subcommand(const CLI::App& app, std::string_view name) {
    for (const CLI::App* subcommand : app.get_subcommands([](const CLI::App*) { return true; }))
        if (subcommand->get_name() == name)
            return const_cast<CLI::App*>(subcommand);
    return nullptr;
}

void add_verbs(CLI::App& app, const std::vector<Verb>& verbs, Action& chosen, int& error_status) {
    auto formatter = std::make_shared<VerbFormatter>();
    app.formatter(formatter);
    formatter->set_usage(&app, "uniscope VERB [OPTIONS] [ARGS...]");
    app.set_help_flag("-h,--help", "Show this help");
    for (const Verb& verb : verbs) {
        CLI::App* parent = &app;
        std::string name(verb.name);
        if (const size_t space = name.find(' '); space != std::string::npos) {
            const std::string group = name.substr(0, space);
            name = name.substr(space + 1);
            parent = find_subcommand(app, group);
            if (!parent) {
                parent = app.add_subcommand(group, std::string(group_summary(group)));
                parent->require_subcommand(1);
                formatter->set_usage(parent, fmt::format("uniscope {} VERB [OPTIONS] [ARGS...]", group));
            }
        }
        CLI::App* subcommand = parent->add_subcommand(name, std::string(verb.summary));
        formatter->set_usage(subcommand, fmt::format("uniscope {} {}", verb.name, verb.usage));
        if (!verb.details.empty())
            subcommand->footer(std::string(verb.details));
        Action action = verb.setup(CommandLine(*subcommand));
        subcommand->set_help_flag("-h,--help", "Show this help");
        subcommand->preparse_callback([&error_status, status = verb.error_status](size_t) { error_status = status; });
        subcommand->parse_complete_callback([&error_status, status = verb.error_status] { error_status = status; });
        subcommand->final_callback([&chosen, action] { chosen = action; });
    }
}

std::string help_of(std::string_view name) {
    CLI::App app(program_summary);
    Action chosen;
    int error_status = 0;
    add_verbs(app, all_verbs(), chosen, error_status);
    const CLI::App* found = &app;
    while (!name.empty() && found) {
        const size_t space = name.find(' ');
        found = find_subcommand(*found, name.substr(0, space));
        name = space == std::string_view::npos ? std::string_view() : name.substr(space + 1);
    }
    return found ? found->help() : std::string();
}

void print_error(const tracer::Error& error) {
    fmt::print(stderr, "uniscope: {}\n", error.message);
    if (!error.hint.empty())
        fmt::print(stderr, "{}\n", error.hint);
}

} // namespace cli
