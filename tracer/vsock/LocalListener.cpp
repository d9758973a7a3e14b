#include "tracer/vsock/LocalListener.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace tracer::vsock {

namespace {

constexpr int backlog = 128;
constexpr int clients_per_turn = 16;
/// Until a process that has no descriptors left tries again.
constexpr std::chrono::milliseconds full_pause{100};

Result<sockaddr_un> address_of(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.native().size() > max_socket_path)
        return fail(fmt::format("the socket path {} is longer than {} bytes", path.string(), max_socket_path),
                    "Give a shorter path, below /run or /tmp.");
    std::memcpy(address.sun_path, path.c_str(), path.native().size());
    return address;
}

Result<FileDescriptor> make_socket() {
    FileDescriptor made(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!made)
        return fail_errno("cannot create a socket", errno);
    return made;
}

/// Makes room for a socket at `path`.
Result<> clear(const std::filesystem::path& path, const sockaddr_un& address) {
    struct stat status{};
    if (lstat(path.c_str(), &status) != 0)
        return {};
    if (!S_ISSOCK(status.st_mode))
        return fail(fmt::format("{} exists and is no socket", path.string()), "Give another path, or remove it.");
    const FileDescriptor probe = TRY(make_socket());
    if (connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 || errno == EAGAIN)
        return fail(fmt::format("another process listens on {}", path.string()), "Give another path, or end it.");
    if (unlink(path.c_str()) != 0 && errno != ENOENT)
        return fail_errno(fmt::format("cannot remove {}", path.string()), errno);
    return {};
}

} // namespace

Result<std::unique_ptr<LocalListener>> LocalListener::create(asio::io_context& loop, const std::filesystem::path& path,
                                                             OnClient on_client) {
    const sockaddr_un address = TRY(address_of(path));
    FileDescriptor socket = TRY(make_socket());
    TRY(clear(path, address));
    // On Linux the file gets the mode of the socket itself, so it is never open to others.
    struct stat status{};
    if (fchmod(socket.get(), S_IRUSR | S_IWUSR) != 0 ||
        bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        listen(socket.get(), backlog) != 0 || lstat(path.c_str(), &status) != 0)
        return fail_errno(fmt::format("cannot listen on {}", path.string()), errno);
    auto listener = adopt(loop, std::move(socket), std::move(on_client));
    listener->m_path = path;
    listener->m_file = {status.st_dev, status.st_ino};
    return listener;
}

std::unique_ptr<LocalListener> LocalListener::adopt(asio::io_context& loop, FileDescriptor socket, OnClient on_client) {
    return std::unique_ptr<LocalListener>(new LocalListener(loop, std::move(socket), std::move(on_client)));
}

LocalListener::LocalListener(asio::io_context& loop, FileDescriptor socket, OnClient on_client)
    : m_on_client(std::move(on_client))
    , m_retry(loop)
    , m_alive(std::make_shared<char>())
    , m_watch(loop, std::move(socket), {.on_readable = [this] { accept(); }}) {
    // One that came from elsewhere may be blocking.
    fcntl(m_watch.get(), F_SETFL, fcntl(m_watch.get(), F_GETFL) | O_NONBLOCK);
    m_watch.await_readable();
}

LocalListener::~LocalListener() {
    struct stat status{};
    if (!m_path.empty() && lstat(m_path.c_str(), &status) == 0 && m_file == std::pair(status.st_dev, status.st_ino))
        unlink(m_path.c_str());
}

void LocalListener::accept() {
    const std::weak_ptr alive = m_alive;
    const OnClient on_client = m_on_client;
    for (int count = 0; count < clients_per_turn; ++count) {
        FileDescriptor client(accept4(m_watch.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (client) {
            on_client(std::move(client));
            if (alive.expired())
                return;
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
            return accept_later();
        else if (errno == EAGAIN || errno == EWOULDBLOCK)
            break;
    }
    m_watch.await_readable();
}

void LocalListener::accept_later() {
    m_retry.expires_after(full_pause);
    m_retry.async_wait([this, alive = std::weak_ptr(m_alive)](asio::error_code) {
        if (!alive.expired())
            m_watch.await_readable();
    });
}

Result<FileDescriptor> connect_local(const std::filesystem::path& path, std::string_view what) {
    const sockaddr_un address = TRY(address_of(path));
    FileDescriptor socket = TRY(make_socket());
    if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return fail_errno(fmt::format("cannot connect to {} at {}", what, path.string()), errno);
    return socket;
}

} // namespace tracer::vsock
