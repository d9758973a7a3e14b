#pragma once
// VsockBackend: a vhost-user-vsock device for one QEMU, as a part of whoever's event loop.
//
// The guest's ports can be reached through Unix sockets by the convention of Firecracker and Cloud Hypervisor
// (HostSide), and from inside this process by connect() and listen(), which use no file system. QEMU may come late, go,
// and come again; the guest may reboot: connections end then, and the backend waits for the next.

#include "tracer/vsock/FrontEnd.h"
#include "tracer/vsock/HostSide.h"
#include "tracer/vsock/VhostUserSession.h"

#include <map>

namespace tracer::vsock {

/// Everything on the event loop's thread. Callbacks and hooks run from the loop, never from inside a call, and not
/// after the backend is gone; they may call it, and destroy it. The process ignores SIGPIPE.
class VsockBackend {
public:
    struct Options {
        uint64_t guest_cid = min_guest_cid;
        /// Of the host side's sockets; empty: there are none.
        std::filesystem::path uds;
        /// One sentence for a log; at most `messages_per_minute` come.
        std::function<void(const std::string&)> say;
        /// has_front_end() or is_ready() has changed.
        std::function<void()> on_change;
        /// How long connections outlive that the machine is paused (QMP `stop`, a dump): QEMU does not say whether it
        /// paused the machine or reset it before the guest's driver is back.
        std::chrono::milliseconds pause{60'000};
        EngineLimits limits;
    };
    static constexpr unsigned messages_per_minute = 20;

    static Result<std::unique_ptr<VsockBackend>> create(asio::io_context& loop, FrontEndPlace front_end,
                                                        Options options);
    ~VsockBackend();

    /// QEMU is connected.
    bool has_front_end() const { return m_session != nullptr; }
    /// The guest's driver is up.
    bool is_ready() const { return m_device.is_running(); }

    /// Asks for a connection to a port of the guest: a connected, non-blocking Unix stream socket, or why there is
    /// none. Cheap to try again.
    void connect(uint32_t guest_port, std::function<void(Result<FileDescriptor>)> on_answer);

    /// Takes the guest's connections to a port of the host, before HostSide would. An error when the port is taken.
    Result<> listen(uint32_t host_port, std::function<void(FileDescriptor)> on_connection);
    void stop_listening(uint32_t host_port) { m_listeners.erase(host_port); }

    /// Ends every connection: for who knows that the machine was reset (QMP event RESET).
    void reset_connections() { m_engine.reset(); }

    size_t connection_count() const { return m_engine.connection_count(); }
    const EngineCounts& counts() const { return m_engine.counts(); }

private:
    VsockBackend(asio::io_context& loop, Options options);
    void front_end_connected(FileDescriptor socket);
    void session_ended(const std::optional<Error>& why);
    void device_changed();
    void changed();
    void say(const std::string& message);
    void connect_client(uint32_t port, FileDescriptor client);
    Result<FileDescriptor> open_host(uint32_t port);

    asio::io_context& m_loop;
    Options m_options;
    std::map<uint32_t, std::function<void(FileDescriptor)>> m_listeners;
    std::shared_ptr<void> m_alive;
    asio::steady_timer m_pause;
    std::chrono::steady_clock::time_point m_minute{}; ///< when counting of messages began
    unsigned m_messages = 0;
    bool m_ending = false;
    PacketEngine m_engine;
    VsockDevice m_device;
    std::unique_ptr<HostSide> m_host_side;
    std::unique_ptr<FrontEnd> m_front_end;
    std::unique_ptr<VhostUserSession> m_session;
};

} // namespace tracer::vsock
