#include "samples/shop/Settings.h"

#include <charconv>
#include <fstream>
#include <string_view>
#include <vector>

namespace shop {

namespace {

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blanks = " \t\r";
    size_t first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

int64_t parse_number(std::string_view name, std::string_view text, int64_t minimum) {
    int64_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < minimum)
        throw SettingsError(std::string(name) + ": '" + std::string(text) + "' is not a number from " +
                            std::to_string(minimum) + " up");
    return value;
}

void apply(Settings& settings, std::string_view name, std::string_view value) {
    struct Number {
        std::string_view name;
        int64_t Settings::* member;
        int64_t minimum;
    };
    static constexpr Number numbers[] = {
        {"workers", &Settings::workers, 1}, {"queue", &Settings::queue, 1},
        {"rate", &Settings::rate, 0},       {"orders", &Settings::orders, 0},
        {"seconds", &Settings::seconds, 0}, {"statistics", &Settings::statistics, 0},
    };
    for (const Number& number : numbers) {
        if (number.name == name) {
            settings.*number.member = parse_number(name, value, number.minimum);
            return;
        }
    }
    if (name != "database")
        throw SettingsError("there is no setting '" + std::string(name) + "'");
    settings.database = value;
}

void read_file(Settings& settings, const std::string& path, bool must_exist) {
    std::ifstream file(path);
    if (!file) {
        if (must_exist)
            throw SettingsError("cannot read " + path);
        return;
    }
    std::string line;
    for (int number = 1; std::getline(file, line); ++number) {
        std::string_view text = trimmed(std::string_view(line).substr(0, line.find('#')));
        if (text.empty())
            continue;
        size_t equals = text.find('=');
        try {
            if (equals == std::string_view::npos)
                throw SettingsError("expected 'name = value'");
            apply(settings, trimmed(text.substr(0, equals)), trimmed(text.substr(equals + 1)));
        } catch (const SettingsError& error) {
            throw SettingsError(path + ":" + std::to_string(number) + ": " + error.what());
        }
    }
}

} // namespace

Settings read_settings(int argc, char** argv) {
    std::vector<std::string_view> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
    if (arguments.size() % 2 != 0)
        throw SettingsError(std::string(arguments.back()) + " needs a value");

    Settings settings;
    std::string file = default_settings_file;
    bool must_exist = false;
    for (size_t i = 0; i < arguments.size(); i += 2) {
        if (arguments[i] == "--config") {
            file = arguments[i + 1];
            must_exist = true;
        }
    }
    read_file(settings, file, must_exist);
    for (size_t i = 0; i < arguments.size(); i += 2) {
        if (!arguments[i].starts_with("--"))
            throw SettingsError("expected a setting that begins with --, found '" + std::string(arguments[i]) + "'");
        if (arguments[i] != "--config")
            apply(settings, arguments[i].substr(2), arguments[i + 1]);
    }
    return settings;
}

} // namespace shop
