#include "tracer/instance/Terminal.h"

#include <asio/post.hpp>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

namespace tracer {

namespace {

constexpr size_t high_water = 1u << 20;
// A pipe or terminal that poll() calls writable takes this much without blocking (PIPE_BUF).
constexpr size_t portion = 4096;
constexpr uint8_t end_of_input = 0x04;
constexpr uint8_t escape = 0x10;

bool is_ready(int descriptor, short events) {
    pollfd entry{descriptor, events, 0};
    return poll(&entry, 1, 0) > 0;
}

} // namespace

Terminal::Terminal(asio::io_context& loop, std::shared_ptr<Channel> console)
    : m_console(std::move(console))
    , m_kind(kind_of_input())
    , m_input(loop)
    , m_output(loop) {
    std::signal(SIGTTIN, SIG_IGN); // a background job simply has no input
    std::signal(SIGTTOU, SIG_IGN);
    asio::error_code ignored;
    if (const int input = dup(STDIN_FILENO); input >= 0)
        m_input.assign(input, ignored);
    if (const int output = dup(STDOUT_FILENO); output >= 0)
        m_output.assign(output, ignored);
    if (m_kind != ConsoleInput::None)
        wait_for_input();
}

Terminal::~Terminal() = default;

ConsoleInput Terminal::kind_of_input() {
    struct stat input{}, null{};
    if (isatty(STDIN_FILENO) != 0)
        return ConsoleInput::Terminal;
    if (fstat(STDIN_FILENO, &input) != 0)
        return ConsoleInput::None;
    const bool is_null = stat("/dev/null", &null) == 0 && S_ISCHR(input.st_mode) && input.st_rdev == null.st_rdev;
    return is_null ? ConsoleInput::None : ConsoleInput::Pipe;
}

std::vector<uint8_t> Terminal::encode_input(Channel::Bytes bytes) {
    std::vector<uint8_t> encoded;
    encoded.reserve(bytes.size());
    for (const uint8_t byte : bytes) {
        if (byte == end_of_input || byte == escape)
            encoded.push_back(escape);
        encoded.push_back(byte);
    }
    return encoded;
}

void Terminal::wait_for_input() {
    if (!m_input.is_open())
        return;
    // Regular files cannot be waited for, and need not be.
    if (is_ready(m_input.native_handle(), POLLIN)) {
        asio::post(m_input.get_executor(), [this] { read_input(); });
        return;
    }
    m_input.async_wait(asio::posix::stream_descriptor::wait_read, [this](asio::error_code error) {
        if (!error)
            read_input();
    });
}

void Terminal::read_input() {
    if (!m_input.is_open() || !m_console->is_open())
        return;
    std::array<uint8_t, 4096> buffer;
    const ssize_t size = read(m_input.native_handle(), buffer.data(), buffer.size());
    if (size >= 0)
        m_console->send(size > 0 ? encode_input({buffer.data(), static_cast<size_t>(size)})
                                 : std::vector{end_of_input});
    // A person's Ctrl-D ends one read; more may come. A failure is the end as well: a background job has no terminal.
    if (size < 0 || (size == 0 && m_kind == ConsoleInput::Pipe)) {
        stop_input();
        return;
    }
    if (m_console->queued_bytes() < 16 * buffer.size()) {
        wait_for_input();
        return;
    }
    m_console->on_drained = [this] {
        m_console->on_drained = nullptr;
        wait_for_input();
    };
}

void Terminal::stop_input() {
    asio::error_code ignored;
    m_input.close(ignored);
}

void Terminal::write(Channel::Bytes bytes) {
    m_queue.emplace_back(bytes.begin(), bytes.end());
    m_queued += bytes.size();
    if (m_queued > high_water)
        m_console->pause();
    if (!m_waiting)
        write_some();
}

void Terminal::write_some() {
    while (!m_queue.empty() && m_output.is_open()) {
        const std::vector<uint8_t>& front = m_queue.front();
        if (!is_ready(m_output.native_handle(), POLLOUT)) {
            m_waiting = true;
            m_output.async_wait(asio::posix::stream_descriptor::wait_write, [this](asio::error_code error) {
                m_waiting = false;
                if (!error)
                    write_some();
            });
            return;
        }
        const ssize_t size =
            ::write(m_output.native_handle(), front.data() + m_offset, std::min(front.size() - m_offset, portion));
        if (size < 0 && errno == EINTR)
            continue;
        if (size <= 0) { // the reader has gone: the instance serves on, its log has the rest
            asio::error_code ignored;
            m_output.close(ignored);
            break;
        }
        m_queued -= static_cast<size_t>(size);
        m_offset += static_cast<size_t>(size);
        if (m_offset == front.size()) {
            m_queue.pop_front();
            m_offset = 0;
        }
    }
    written();
}

void Terminal::written() {
    if (!m_output.is_open()) {
        m_queue.clear();
        m_queued = 0;
    }
    if (m_queued <= high_water / 2)
        m_console->resume();
    if (m_queue.empty() && m_when_written)
        std::exchange(m_when_written, nullptr)();
}

void Terminal::when_written(std::function<void()> callback) {
    m_when_written = std::move(callback);
    if (!m_waiting)
        written();
}

} // namespace tracer
