#include "tracer/cli/Output.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <filesystem>

namespace cli {

namespace fs = std::filesystem;

namespace {

std::string quote_word(const std::string& word) {
    constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=+,./:@%";
    if (!word.empty() && word.find_first_not_of(plain) == std::string::npos)
        return word;
    std::string quoted = "'";
    for (const char letter : word)
        quoted += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
    return quoted + "'";
}

} // namespace

tracer::Result<std::string> output_path(const std::string& given, std::string_view name, std::string_view extension,
                                        bool force) {
    const std::string path =
        !given.empty() ? given
                       : fmt::format("{}-{:%Y%m%d-%H%M}.{}", name, fmt::localtime(std::time(nullptr)), extension);
    std::error_code error;
    const auto kind = fs::symlink_status(path, error).type();
    if (kind == fs::file_type::not_found)
        return path;
    if (!force)
        return tracer::fail(fmt::format("{} exists already", path), "Replace it with -f, or name another with -o.");
    const bool is_trace = kind == fs::file_type::directory && fs::exists(fs::path(path) / "metadata", error);
    if (kind != fs::file_type::regular && !is_trace)
        return tracer::fail(fmt::format("{} is neither a file nor a trace, and is not replaced", path),
                            "Name another output with -o.");
    fs::remove_all(path, error);
    if (error)
        return tracer::fail_errno(fmt::format("cannot remove {}", path), error.value());
    return path;
}

std::string readable_size(uint64_t bytes) {
    if (bytes < 1000)
        return fmt::format("{} B", bytes);
    const double value = static_cast<double>(bytes);
    if (bytes < 1'000'000)
        return fmt::format("{:.1f} kB", value / 1e3);
    if (bytes < 1'000'000'000)
        return fmt::format("{:.1f} MB", value / 1e6);
    return fmt::format("{:.1f} GB", value / 1e9);
}

std::string quote_for_shell(const std::vector<std::string>& command) {
    std::string line;
    for (const std::string& word : command)
        line += (line.empty() ? "" : " ") + quote_word(word);
    return line;
}

} // namespace cli
