#include "tracer/vsock/HostClient.h"

#include "tracer/vsock/LocalListener.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <linux/vm_sockets.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string_view>
#include <thread>

namespace tracer::vsock {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds retry_pause{50};
/// "OK 4294967295\n" and room.
constexpr size_t max_line = 32;

/// Until `deadline`; zero when it has passed.
milliseconds left_until(Clock::time_point deadline) {
    return std::max(std::chrono::ceil<milliseconds>(deadline - Clock::now()), milliseconds(0));
}

void pause_before_retry(Clock::time_point deadline) {
    std::this_thread::sleep_for(std::min(retry_pause, left_until(deadline)));
}

void make_blocking(const FileDescriptor& socket) {
    fcntl(socket.get(), F_SETFL, fcntl(socket.get(), F_GETFL) & ~O_NONBLOCK);
}

/// The answer line without its newline, and not a byte more; nothing when the stream ended first.
Result<std::optional<std::string>> read_line(const FileDescriptor& socket, Clock::time_point deadline,
                                             std::string_view what) {
    std::string line;
    while (line.size() < max_line) {
        if (!TRY(wait_readable(socket.get(), left_until(deadline))))
            return fail(fmt::format("{} took the connection and did not answer in time", what),
                        "Is the guest stopped in a debugger, or still starting?");
        std::array<char, max_line> bytes;
        ssize_t size = recv(socket.get(), bytes.data(), bytes.size(), MSG_PEEK);
        if (size > 0) {
            const auto* end = std::find(bytes.begin(), bytes.begin() + size, '\n');
            size = std::min<ssize_t>(size, end - bytes.begin() + 1);
            size = recv(socket.get(), bytes.data(), static_cast<size_t>(size), 0);
        }
        if (size == 0 || (size < 0 && errno == ECONNRESET))
            return std::nullopt;
        if (size < 0 && errno != EAGAIN && errno != EINTR)
            return fail_errno(fmt::format("cannot read from {}", what), errno);
        line.append(bytes.data(), static_cast<size_t>(std::max<ssize_t>(size, 0)));
        if (line.ends_with('\n')) {
            line.pop_back();
            return line;
        }
    }
    return fail(fmt::format("{} answered with something that is no OK line", what),
                "Does the path belong to a vsock socket of Firecracker, Cloud Hypervisor or uniscope-vsockd?");
}

Result<FileDescriptor> open_uds(const std::filesystem::path& path, Clock::time_point deadline) {
    while (true) {
        auto socket = connect_local(path, "the vsock socket");
        if (socket)
            return socket;
        // Only a socket whose listener is behind with its work answers so.
        if (errno != EAGAIN || left_until(deadline) == milliseconds(0))
            return fail(socket.error().message,
                        "Is the machine running, and may this user open the socket? `ls -l` shows its owner.");
        pause_before_retry(deadline);
    }
}

} // namespace

Result<FileDescriptor> connect_vsock_uds(const std::filesystem::path& path, uint32_t guest_port, milliseconds timeout) {
    const auto deadline = Clock::now() + timeout;
    const std::string request = fmt::format("CONNECT {}\n", guest_port);
    do {
        FileDescriptor socket = TRY(open_uds(path, deadline));
        // The first bytes of a fresh socket always fit. One that was closed meanwhile ends in the read.
        if (send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0 && errno != EPIPE)
            return fail_errno(fmt::format("cannot write to {}", path.string()), errno);
        const auto line = TRY(read_line(socket, deadline, path.string()));
        if (line) {
            if (!line->starts_with("OK "))
                return fail(fmt::format("{} answered \"{}\" instead of OK", path.string(), *line));
            make_blocking(socket);
            return socket;
        }
        pause_before_retry(deadline);
    } while (left_until(deadline) > milliseconds(0));
    return fail(
        fmt::format("port {} of the guest behind {} refused for {} ms", guest_port, path.string(), timeout.count()),
        "Does the guest listen on that port, and is its vsock driver up?");
}

namespace {

std::unexpected<Error> no_vsock(int error) {
    return fail_errno("this kernel has no vsock", error,
                      "Load vhost_vsock (modprobe vhost_vsock), or reach the guest through a Unix socket: "
                      "Firecracker, Cloud Hypervisor and uniscope-vsockd offer one.");
}

/// Nothing: the guest refused for now.
Result<std::optional<FileDescriptor>> try_cid(const sockaddr_vm& address, Clock::time_point deadline) {
    FileDescriptor socket(::socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket)
        return no_vsock(errno);
    int error = 0;
    if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        error = errno;
    if (error == EINPROGRESS) {
        pollfd entry{socket.get(), POLLOUT, 0};
        if (poll(&entry, 1, static_cast<int>(left_until(deadline).count())) <= 0)
            return std::nullopt; // the time is over, or a signal came
        socklen_t size = sizeof error;
        if (getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0)
            return fail_errno("cannot read the state of a socket", errno);
    }
    switch (error) {
    case 0:
        make_blocking(socket);
        return socket;
    case ECONNRESET:
    case ECONNREFUSED:
    case ETIMEDOUT:
        return std::nullopt;
    case ENODEV:
    case EADDRNOTAVAIL:
    case ENETUNREACH:
        return fail_errno(fmt::format("this kernel reaches no guest with the context id {}", address.svm_cid), error,
                          "Is the machine running with a vhost-vsock device of that guest-cid?");
    default:
        return fail_errno(fmt::format("cannot connect to port {} of context id {}", address.svm_port, address.svm_cid),
                          error);
    }
}

} // namespace

Result<FileDescriptor> connect_vsock_cid(uint32_t cid, uint32_t guest_port, milliseconds timeout) {
    const auto deadline = Clock::now() + timeout;
    sockaddr_vm address{};
    address.svm_family = AF_VSOCK;
    address.svm_cid = cid;
    address.svm_port = guest_port;
    do {
        auto socket = TRY(try_cid(address, deadline));
        if (socket)
            return std::move(*socket);
        pause_before_retry(deadline);
    } while (left_until(deadline) > milliseconds(0));
    return fail(
        fmt::format("port {} of the guest with context id {} refused for {} ms", guest_port, cid, timeout.count()),
        "Does the guest listen on that port, and is its vsock driver up?");
}

} // namespace tracer::vsock
