#pragma once
// HostSide: the guest's ports as Unix sockets, by the convention of Firecracker and Cloud Hypervisor.
//
// To the guest: connect to PATH, write "CONNECT <port>\n", read "OK <host port>\n", and the rest is the stream's. Where
// the guest refuses, the socket is closed without a word. From the guest: a connection to port P of the host goes to a
// socket that listens on PATH_P.
// Source: docs/vsock.md of Firecracker; docs/vsock.md of Cloud Hypervisor.

#include "tracer/vsock/LocalListener.h"

#include <list>

namespace tracer::vsock {

/// On the event loop's thread. A client that does not say in time what it wants is dropped, and so is one too many.
class HostSide {
public:
    /// A client that asked for a port of the guest; it has read nothing yet, and what it wrote behind its line is still
    /// in the socket.
    using OnConnect = std::function<void(uint32_t port, FileDescriptor client)>;

    static Result<std::unique_ptr<HostSide>> create(asio::io_context& loop, const std::filesystem::path& path,
                                                    OnConnect on_connect);
    ~HostSide();

    /// For the guest's connection to a port of the host.
    Result<FileDescriptor> open(uint32_t port) const;

private:
    HostSide(asio::io_context& loop, std::filesystem::path path, OnConnect on_connect);
    struct Client {
        std::string line; ///< as far as it has come
        std::unique_ptr<Watch> watch;
        std::chrono::steady_clock::time_point since;
    };
    void accepted(FileDescriptor socket);
    void readable(std::list<Client>::iterator client);
    void start_clock();

    static constexpr size_t max_clients = 64; ///< that have not said yet what they want
    static constexpr std::chrono::seconds patience{10};

    asio::io_context& m_loop;
    std::filesystem::path m_path;
    OnConnect m_on_connect;
    std::unique_ptr<LocalListener> m_listener;
    std::list<Client> m_clients;
    asio::steady_timer m_clock;
    bool m_clock_runs = false;
    std::shared_ptr<void> m_alive;
};

/// The port of a whole request line, with its newline; nothing when it is none.
std::optional<uint32_t> parse_connect_line(std::string_view line_untrusted);

} // namespace tracer::vsock
