#pragma once
// The console's file in an instance's directory.

#include "tracer/Result.h"

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

namespace tracer {

/// Appends to a file, which keeps the newest part of a long output: at `limit` bytes it becomes PATH.1, replacing the
/// one before. Writing never fails visibly: a full disk must not stop a service.
class ConsoleLog {
public:
    static constexpr uint64_t default_limit = 4u << 20;

    explicit ConsoleLog(std::filesystem::path path, uint64_t limit = default_limit, mode_t mode = 0600);
    ~ConsoleLog();
    ConsoleLog(const ConsoleLog&) = delete;
    ConsoleLog& operator=(const ConsoleLog&) = delete;

    void append(std::span<const uint8_t> bytes);

private:
    void open();

    std::filesystem::path m_path;
    uint64_t m_limit;
    mode_t m_mode;
    uint64_t m_size = 0;
    int m_descriptor = -1;
};

/// PATH.1 and PATH, one after the other.
Result<std::string> read_console_log(const std::filesystem::path& path);

/// The last `count` lines of `text`, each indented by two spaces.
std::string last_lines(const std::string& text, size_t count);

} // namespace tracer
