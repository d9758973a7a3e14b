#pragma once
// gdb.sock: one gdb at a time, joined to the instance's stub by a GdbProxy.

#include "tracer/instance/Listener.h"
#include "tracer/link/GdbProxy.h"

#include <asio/steady_timer.hpp>

#include <optional>

namespace tracer {

/// On the event loop's thread. A connection while a gdb is attached is closed at once; one that comes while the stub is
/// being taken leave of waits for the end of that.
class GdbServer {
public:
    GdbServer(asio::io_context& loop, std::shared_ptr<Channel> stub, std::function<void()> inject_nmi);
    ~GdbServer();

    Result<> listen(const std::filesystem::path& path) { return m_listener.listen(path); }
    void close();

    bool has_client() const { return m_client != nullptr || m_waiting.has_value(); }
    bool is_stopped() const { return m_proxy.is_stopped(); }

private:
    void accept(Channel::Socket socket);
    void attach(Channel::Socket socket);
    void arm();

    std::shared_ptr<Channel> m_stub;
    std::shared_ptr<Channel> m_client;
    std::optional<Channel::Socket> m_waiting;
    GdbProxy m_proxy;
    asio::steady_timer m_timer;
    Listener m_listener;
};

} // namespace tracer
