#pragma once
// gdb.sock: one gdb at a time, joined to the instance's stub by a GdbProxy.

#include "tracer/instance/Listener.h"
#include "tracer/link/GdbProxy.h"
#include "tracer/link/Peer.h"

#include <asio/steady_timer.hpp>

#include <functional>
#include <optional>
#include <vector>

namespace tracer {

/// On the event loop's thread. A connection while a gdb is attached is closed at once; one that comes while a gdb that
/// has ended is read to its end, while the stub is being taken leave of, or while there is no stub yet, waits for that.
class GdbServer {
public:
    GdbServer(asio::io_context& loop, std::function<void()> inject_nmi);
    ~GdbServer();

    Result<> listen(const std::filesystem::path& path, mode_t mode) { return m_listener.listen(path, mode); }
    void close();

    /// The channel to the stub; replaces one that was lost or let go. When the one before was lost with a gdb attached,
    /// the stub is first taken leave of: it may stand where that gdb left it.
    void set_stub(std::shared_ptr<Channel> stub);
    bool has_stub() const { return m_stub != nullptr; }
    /// Closes the channel to the stub, which nobody uses.
    void let_stub_go();
    /// There will be no stub: whoever waits for it is sent away.
    void refuse();

    /// Somebody needs the stub and it is not there: a gdb, or the leave that is still to be taken.
    std::function<void()> on_wanted;
    /// Nobody uses the stub any more.
    std::function<void()> on_idle;
    std::function<void()> on_lost;

    /// Sends the attached gdb away, as if it had vanished, and calls `done` when the stub is free; at once when it is.
    void steal(std::function<void()> done);

    bool has_client() const { return is_client_there() || m_waiting.has_value(); }
    /// Who is attached.
    std::optional<Peer> client() const { return is_client_there() ? m_peer : std::nullopt; }
    bool is_stopped() const { return m_proxy.is_stopped(); }
    /// Nobody is attached, and no leave is being taken.
    bool is_free() const { return m_proxy.is_free() && !m_waiting; }
    /// The stub was lost in a session and has to be taken leave of.
    bool owes_leave() const { return m_leave_owed; }

private:
    /// One that has ended may not have been read to its end yet.
    bool is_client_there() const { return m_client && !m_client->peer_has_closed(); }
    void accept(Channel::Socket socket);
    void attach(Channel::Socket socket);
    void attach_waiting();
    void stub_lost();
    void arm();
    void became_free();

    asio::io_context& m_loop;
    std::shared_ptr<Channel> m_stub;
    std::shared_ptr<Channel> m_client;
    std::optional<Peer> m_peer;
    std::optional<Channel::Socket> m_waiting;
    bool m_leave_owed = false; ///< the stub was lost while a gdb was attached
    std::vector<std::function<void()>> m_thieves;
    GdbProxy m_proxy;
    asio::steady_timer m_timer;
    Listener m_listener;
};

} // namespace tracer
