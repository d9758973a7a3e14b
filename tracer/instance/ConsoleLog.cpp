#include "tracer/instance/ConsoleLog.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <vector>

namespace tracer {

namespace fs = std::filesystem;

ConsoleLog::ConsoleLog(fs::path path, uint64_t limit, mode_t mode)
    : m_path(std::move(path))
    , m_limit(limit)
    , m_mode(mode) {
    open();
}

ConsoleLog::~ConsoleLog() {
    if (m_descriptor >= 0)
        close(m_descriptor);
}

void ConsoleLog::open() {
    m_descriptor = ::open(m_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, m_mode);
    if (m_descriptor >= 0)
        fchmod(m_descriptor, m_mode); // past the umask
    m_size = 0;
}

void ConsoleLog::append(std::span<const uint8_t> bytes) {
    while (m_descriptor >= 0 && !bytes.empty()) {
        const ssize_t written = write(m_descriptor, bytes.data(), bytes.size());
        if (written <= 0)
            return;
        bytes = bytes.subspan(static_cast<size_t>(written));
        m_size += static_cast<uint64_t>(written);
    }
    if (m_size >= m_limit) {
        std::error_code ignored;
        fs::rename(m_path, m_path.string() + ".1", ignored);
        close(m_descriptor);
        open();
    }
}

Result<std::string> read_console_log(const fs::path& path) {
    std::ostringstream text;
    if (std::ifstream older(path.string() + ".1", std::ios::binary); older && older.peek() != EOF)
        text << older.rdbuf();
    std::ifstream file(path, std::ios::binary);
    if (!file)
        return fail(fmt::format("there is no console log {}", path.string()));
    if (file.peek() != EOF)
        text << file.rdbuf();
    return text.str();
}

std::string last_lines(const std::string& text, size_t count) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);)
        lines.push_back(line);
    std::string result;
    for (size_t i = lines.size() > count ? lines.size() - count : 0; i < lines.size(); ++i)
        result += "  " + lines[i] + "\n";
    return result;
}

} // namespace tracer
