#pragma once
// FrontEnd: how the backend comes by its connection with QEMU, and by the next one after that.

#include "tracer/vsock/LocalListener.h"

#include <variant>

namespace tracer::vsock {

/// Connects to QEMU's chardev (`-chardev socket,...,server=on`) and tries again until it is there, also after it was
/// lost: the form that survives a restart of either side.
struct ConnectToFrontEnd {
    std::filesystem::path path;
};
/// Waits for QEMU's chardev to connect. QEMU does that once, when it starts.
struct ListenForFrontEnd {
    std::filesystem::path path;
};
/// A socket that is connected with QEMU (`-chardev socket,fd=N`), or that listens for it.
struct GivenFrontEnd {
    FileDescriptor socket;
};
using FrontEndPlace = std::variant<ConnectToFrontEnd, ListenForFrontEnd, GivenFrontEnd>;

/// On the event loop's thread. One connection at a time: a second one, while it is busy, is closed at once.
class FrontEnd {
public:
    using OnConnected = std::function<void(FileDescriptor)>;

    /// `on_connected` runs from the loop, and from then on the front-end is busy until release().
    static Result<std::unique_ptr<FrontEnd>> create(asio::io_context& loop, FrontEndPlace place,
                                                    OnConnected on_connected);
    ~FrontEnd();

    /// The connection has ended: wait for the next.
    void release();

private:
    FrontEnd(asio::io_context& loop, OnConnected on_connected);
    void connected(FileDescriptor socket);
    void try_to_connect();
    void later(std::chrono::milliseconds pause, std::function<void()> what);

    static constexpr std::chrono::milliseconds retry_pause{100};

    OnConnected m_on_connected;
    std::filesystem::path m_connect_to; ///< empty in the other roles
    std::unique_ptr<LocalListener> m_listener;
    bool m_busy = false;
    asio::steady_timer m_timer;
    std::shared_ptr<void> m_alive;
};

} // namespace tracer::vsock
