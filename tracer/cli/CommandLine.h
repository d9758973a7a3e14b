#pragma once
// What a verb takes on its command line. CLI11 does the work; its header, which costs a compiler longer than a verb
// does, is included where the whole command line is put together alone.

#include <cstddef>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
} // namespace CLI

namespace cli {

class Option {
public:
    explicit Option(CLI::Option& option)
        : m_option(option) {}

    /// What the help calls the value: "FILE".
    Option& type_name(const std::string& name);
    Option& required();
    /// The environment variable that stands in for it.
    Option& envname(const std::string& name);
    /// One that may be repeated takes one value each time.
    Option& one_value_each();

private:
    CLI::Option& m_option;
};

class CommandLine {
public:
    explicit CommandLine(CLI::App& app)
        : m_app(&app) {}

    /// `names` as CLI11 knows them: "-o,--output", or "NAME" for a positional argument. The references live until the
    /// command line has been parsed.
    Option add_option(const std::string& names, std::string& value, const std::string& help = {});
    Option add_option(const std::string& names, std::vector<std::string>& values, const std::string& help = {});
    Option add_option(const std::string& names, unsigned& value, const std::string& help = {});
    Option add_option(const std::string& names, size_t& value, const std::string& help = {});
    void add_flag(const std::string& names, bool& value, const std::string& help);
    /// One that may have a value: "--wait{app}" is "app" without.
    void add_flag(const std::string& names, std::string& value, const std::string& help);

    /// From the first word on that is no option everything is somebody else's: words().
    void end_at_first_word();
    /// After parsing.
    std::vector<std::string> words() const;

private:
    CLI::App* m_app;
};

} // namespace cli
