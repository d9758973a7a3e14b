#pragma once
// LocalListener: a listening Unix socket on the event loop that only its user can reach.

#include "tracer/vsock/Watch.h"

#include <asio/steady_timer.hpp>

#include <filesystem>
#include <optional>

#include <sys/types.h>

namespace tracer::vsock {

/// Owns the socket and, when it made one, its file, which goes with the object. `on_client` runs from the loop, with a
/// non-blocking socket, and may destroy the listener.
class LocalListener {
public:
    using OnClient = std::function<void(FileDescriptor)>;

    /// Listens on a path, as mode 0600. A file that a dead process left there is replaced; one that somebody listens
    /// on, or that is no socket, is not.
    static Result<std::unique_ptr<LocalListener>> create(asio::io_context& loop, const std::filesystem::path& path,
                                                         OnClient on_client);
    /// Takes a socket that listens already.
    static std::unique_ptr<LocalListener> adopt(asio::io_context& loop, FileDescriptor socket, OnClient on_client);
    ~LocalListener();

private:
    LocalListener(asio::io_context& loop, FileDescriptor socket, OnClient on_client);
    void accept();
    void accept_later();

    std::filesystem::path m_path;
    std::pair<dev_t, ino_t> m_file{};
    OnClient m_on_client;
    asio::steady_timer m_retry;
    std::shared_ptr<void> m_alive;
    Watch m_watch;
};

/// Connects without waiting: a Unix socket answers at once, or not at all. `what` names the other side in the error.
Result<FileDescriptor> connect_local(const std::filesystem::path& path, std::string_view what);

} // namespace tracer::vsock
