#include "tracer/cli/CommandLine.h"

#include <CLI/CLI.hpp>

namespace cli {

Option& Option::type_name(const std::string& name) {
    m_option.type_name(name);
    return *this;
}

Option& Option::required() {
    m_option.required();
    return *this;
}

Option& Option::envname(const std::string& name) {
    m_option.envname(name);
    return *this;
}

Option& Option::one_value_each() {
    m_option.allow_extra_args(false);
    return *this;
}

Option CommandLine::add_option(const std::string& names, std::string& value, const std::string& help) {
    return Option(*m_app->add_option(names, value, help));
}

Option CommandLine::add_option(const std::string& names, std::vector<std::string>& values, const std::string& help) {
    return Option(*m_app->add_option(names, values, help));
}

Option CommandLine::add_option(const std::string& names, unsigned& value, const std::string& help) {
    return Option(*m_app->add_option(names, value, help));
}

Option CommandLine::add_option(const std::string& names, size_t& value, const std::string& help) {
    return Option(*m_app->add_option(names, value, help));
}

void CommandLine::add_flag(const std::string& names, bool& value, const std::string& help) {
    m_app->add_flag(names, value, help);
}

void CommandLine::add_flag(const std::string& names, std::string& value, const std::string& help) {
    m_app->add_flag(names, value, help);
}

void CommandLine::end_at_first_word() {
    m_app->prefix_command();
}

std::vector<std::string> CommandLine::words() const {
    return m_app->remaining();
}

} // namespace cli
