#include "tracer/instance/Listener.h"

#include "tracer/link/Socket.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>

namespace tracer {

Result<> Listener::listen(const std::filesystem::path& path, mode_t mode) {
    if (path.native().size() > max_socket_path)
        return fail(fmt::format("the socket path {} is longer than {} bytes", path.string(), max_socket_path),
                    "Give a shorter --name, or set XDG_RUNTIME_DIR to a shorter path.");
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
    const asio::local::stream_protocol::endpoint endpoint(path.string());
    asio::error_code error;
    m_acceptor.open(endpoint.protocol(), error);
    if (!error)
        m_acceptor.bind(endpoint, error);
    // Before listen() nobody can connect.
    if (!error && chmod(path.c_str(), mode) != 0)
        error = asio::error_code(errno, asio::error::get_system_category());
    if (!error)
        m_acceptor.listen(16, error);
    if (error)
        return fail(fmt::format("cannot listen on {}: {}", path.string(), error.message()));
    m_path = path;
    accept();
    return {};
}

void Listener::accept() {
    m_acceptor.async_accept([this](asio::error_code error, Channel::Socket socket) {
        if (error == asio::error::operation_aborted || !m_acceptor.is_open())
            return;
        if (!error)
            m_on_client(std::move(socket));
        accept();
    });
}

void Listener::close() {
    asio::error_code ignored;
    m_acceptor.close(ignored);
    std::error_code ignored_too;
    if (!m_path.empty())
        std::filesystem::remove(m_path, ignored_too);
    m_path.clear();
}

} // namespace tracer
