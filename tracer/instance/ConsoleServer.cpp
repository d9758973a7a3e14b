#include "tracer/instance/ConsoleServer.h"

namespace tracer {

ConsoleServer::ConsoleServer(asio::io_context& loop, const std::filesystem::path& log, mode_t log_mode)
    : m_log(log, ConsoleLog::default_limit, log_mode)
    , m_listener(loop, [this](Channel::Socket socket) { accept(std::move(socket)); }) {}

void ConsoleServer::set_guest(std::shared_ptr<Channel> guest) {
    m_guest = std::move(guest);
    m_guest->on_bytes = [this](Channel::Bytes bytes) { output(bytes); };
    m_guest->on_close = [this] {
        if (on_lost)
            on_lost();
    };
    m_guest->start();
}

void ConsoleServer::output(Channel::Bytes bytes) {
    m_log.append(bytes);
    if (on_output)
        on_output(bytes);
    std::erase_if(m_clients, [&](const std::shared_ptr<Channel>& client) {
        client->send(bytes);
        if (client->queued_bytes() <= high_water)
            return false;
        client->close();
        return true;
    });
}

void ConsoleServer::accept(Channel::Socket socket) {
    const auto client = Channel::create(std::move(socket));
    m_clients.insert(client);
    client->on_bytes = [this, weak = std::weak_ptr(client)](Channel::Bytes bytes) {
        if (has_guest() && m_guest->queued_bytes() <= high_water)
            m_guest->send(bytes);
        else if (const auto self = weak.lock()) { // what it types would be lost
            self->close();
            m_clients.erase(self);
        }
    };
    client->on_close = [this, weak = std::weak_ptr(client)] { m_clients.erase(weak.lock()); };
    client->start();
}

void ConsoleServer::close() {
    m_listener.close();
    for (const auto& client : std::exchange(m_clients, {}))
        client->close_when_sent();
    if (m_guest)
        m_guest->close();
}

} // namespace tracer
