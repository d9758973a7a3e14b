#pragma once
// A listening Unix socket in an instance's directory.

#include "tracer/Result.h"
#include "tracer/link/Channel.h"

#include <asio/local/stream_protocol.hpp>

#include <sys/types.h>

#include <filesystem>
#include <functional>

namespace tracer {

/// Owns the socket and its file, which goes with the object. `on_client` runs on the event loop for each connection.
class Listener {
public:
    Listener(asio::io_context& loop, std::function<void(Channel::Socket)> on_client)
        : m_acceptor(loop)
        , m_on_client(std::move(on_client)) {}
    ~Listener() { close(); }

    /// `mode` says who may connect.
    Result<> listen(const std::filesystem::path& path, mode_t mode);
    void close();

private:
    void accept();

    asio::local::stream_protocol::acceptor m_acceptor;
    std::function<void(Channel::Socket)> m_on_client;
    std::filesystem::path m_path;
};

} // namespace tracer
