#include "tracer/link/Connect.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

namespace tracer {

using std::chrono::milliseconds;

namespace {

constexpr milliseconds slice{50};

} // namespace

milliseconds Patience::left() const {
    const auto left = std::chrono::duration_cast<milliseconds>(m_deadline - std::chrono::steady_clock::now());
    return std::max(left, milliseconds(0));
}

Result<bool> Patience::wait(int descriptor, short events) const {
    while (true) {
        pollfd entry{descriptor, events, 0};
        const int count = poll(&entry, 1, static_cast<int>(std::min(left(), slice).count()));
        if (count > 0)
            return true;
        if (count < 0 && errno != EINTR)
            return fail_errno("cannot wait on a channel", errno);
        if (is_over())
            return false;
    }
}

bool Patience::pause(milliseconds time) const {
    const auto until = std::chrono::steady_clock::now() + time;
    while (!is_over()) {
        const auto rest = until - std::chrono::steady_clock::now();
        if (rest <= rest.zero())
            return true;
        std::this_thread::sleep_for(std::min<std::chrono::steady_clock::duration>(rest, slice));
    }
    return false;
}

Result<FileDescriptor> connect_socket(const sockaddr* address, socklen_t length, std::string_view what,
                                      const Patience& patience) {
    FileDescriptor descriptor(socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!descriptor)
        return fail_errno(fmt::format("cannot make a socket to connect to {}", what), errno);
    while (connect(descriptor.get(), address, length) != 0) {
        const int error = errno;
        if (error == EISCONN)
            break;
        if (error == EINTR)
            continue;
        // A Unix socket whose queue is full says EAGAIN and does not tell when that is over.
        if (error == EAGAIN ? !patience.pause(slice)
                            : error == EINPROGRESS && !TRY(patience.wait(descriptor.get(), POLLOUT)))
            return fail(fmt::format("cannot connect to {}: no answer in time", what));
        if (error != EAGAIN && error != EINPROGRESS)
            return fail_errno(fmt::format("cannot connect to {}", what), error);
        if (error == EINPROGRESS) {
            int problem = 0;
            socklen_t size = sizeof problem;
            getsockopt(descriptor.get(), SOL_SOCKET, SO_ERROR, &problem, &size);
            if (problem != 0)
                return fail_errno(fmt::format("cannot connect to {}", what), problem);
            break;
        }
    }
    const int flags = fcntl(descriptor.get(), F_GETFL);
    if (flags < 0 || fcntl(descriptor.get(), F_SETFL, flags & ~O_NONBLOCK) != 0)
        return fail_errno("cannot prepare a socket", errno);
    return descriptor;
}

Result<FileDescriptor> connect_unix(const std::filesystem::path& path, std::string_view what,
                                    const Patience& patience) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.native().size() > max_socket_path)
        return fail(fmt::format("the socket path {} is longer than {} bytes", path.string(), max_socket_path),
                    "Name it by a shorter path, such as a symbolic link to its directory.");
    std::memcpy(address.sun_path, path.c_str(), path.native().size());
    return connect_socket(reinterpret_cast<const sockaddr*>(&address), sizeof address, what, patience);
}

Result<FileDescriptor> connect_unix(const std::filesystem::path& path, std::string_view what) {
    auto connected = connect_unix(path, what, Patience({}));
    if (!connected && connected.error().hint.empty())
        connected.error().hint = "`uniscope ps` lists what runs.";
    return connected;
}

Result<std::string> read_line(int descriptor, size_t limit, const Patience& patience, std::string_view what) {
    std::string line;
    while (line.size() < limit) {
        if (!TRY(patience.wait(descriptor, POLLIN)))
            return fail(fmt::format("{} does not answer", what));
        char letter = 0;
        const ssize_t size = read(descriptor, &letter, 1);
        if (size < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (size < 0 && errno != ECONNRESET)
            return fail_errno(fmt::format("cannot hear {}", what), errno);
        if (size <= 0)
            return std::string();
        if (letter == '\n')
            return line;
        line += letter;
    }
    return fail(fmt::format("{} answers with something else than a line", what));
}

} // namespace tracer
