#include "tracer/link/Socket.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace tracer {

void FileDescriptor::reset() {
    if (m_descriptor >= 0)
        close(m_descriptor);
    m_descriptor = -1;
}

Result<std::pair<FileDescriptor, FileDescriptor>> socket_pair() {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return fail_errno("cannot create a pair of sockets", errno);
    return std::pair(FileDescriptor(ends[0]), FileDescriptor(ends[1]));
}

static Result<bool> wait_for(int descriptor, short events, std::chrono::milliseconds timeout) {
    const auto deadline = std::chrono::steady_clock::now() + timeout;
    while (true) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        pollfd entry{descriptor, events, 0};
        const int count = poll(&entry, 1, static_cast<int>(std::max<int64_t>(left.count(), 0)));
        if (count > 0)
            return true;
        if (count == 0)
            return false;
        if (errno != EINTR)
            return fail_errno("cannot wait on a socket", errno);
    }
}

Result<bool> wait_readable(int descriptor, std::chrono::milliseconds timeout) {
    return wait_for(descriptor, POLLIN, timeout);
}

Result<> send_all(int descriptor, std::span<const uint8_t> bytes, std::chrono::milliseconds timeout) {
    while (!bytes.empty()) {
        const ssize_t sent = send(descriptor, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent >= 0)
            bytes = bytes.subspan(static_cast<size_t>(sent));
        else if (errno == EAGAIN) {
            if (!TRY(wait_for(descriptor, POLLOUT, timeout)))
                return fail("the instance's supervisor takes nothing in");
        } else if (errno != EINTR)
            return fail_errno("cannot talk to the instance's supervisor", errno);
    }
    return {};
}

Result<std::vector<uint8_t>> receive_some(int descriptor, size_t size, std::chrono::milliseconds timeout) {
    while (true) {
        if (!TRY(wait_readable(descriptor, timeout)))
            return fail("the instance's supervisor does not answer");
        std::vector<uint8_t> bytes(size);
        const ssize_t received = recv(descriptor, bytes.data(), bytes.size(), 0);
        if (received >= 0) {
            bytes.resize(static_cast<size_t>(received));
            return bytes;
        }
        if (errno == ECONNRESET)
            return std::vector<uint8_t>();
        if (errno != EINTR)
            return fail_errno("cannot hear the instance's supervisor", errno);
    }
}

} // namespace tracer
