#pragma once
// Connecting sockets of any family within a time, for the links.

#include "tracer/link/Link.h"

#include <sys/socket.h>

namespace tracer {

/// The time that one open() has, and whether it is still wanted. Waits are cut into slices of 50 ms.
class Patience {
public:
    explicit Patience(const OpenOptions& options)
        : m_deadline(std::chrono::steady_clock::now() + options.timeout)
        , m_stop(options.stop) {}

    bool is_over() const { return m_stop.stop_requested() || std::chrono::steady_clock::now() >= m_deadline; }
    std::chrono::milliseconds left() const;
    /// Until `events` (poll(2)) on the descriptor; false when the time is over.
    Result<bool> wait(int descriptor, short events) const;
    /// For the next try; false when the time is over.
    bool pause(std::chrono::milliseconds time) const;

private:
    std::chrono::steady_clock::time_point m_deadline;
    std::stop_token m_stop;
};

/// A connected, blocking socket. `what` names the other side in the error: "cannot connect to WHAT: ...".
Result<FileDescriptor> connect_socket(const sockaddr* address, socklen_t length, std::string_view what,
                                      const Patience& patience);
Result<FileDescriptor> connect_unix(const std::filesystem::path& path, std::string_view what, const Patience& patience);

/// One line without its newline, and not a byte more; at most `limit` bytes. Empty when the stream ends first.
Result<std::string> read_line(int descriptor, size_t limit, const Patience& patience, std::string_view what);

} // namespace tracer
