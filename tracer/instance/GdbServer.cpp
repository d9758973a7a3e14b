#include "tracer/instance/GdbServer.h"

#include <asio/post.hpp>

namespace tracer {

using std::chrono::steady_clock;

GdbServer::GdbServer(asio::io_context& loop, std::shared_ptr<Channel> stub, std::function<void()> inject_nmi)
    : m_stub(std::move(stub))
    , m_proxy({.to_stub = [this](Channel::Bytes bytes) { m_stub->send(bytes); },
               .to_client =
                   [this](Channel::Bytes bytes) {
                       if (m_client)
                           m_client->send(bytes);
                   },
               .inject_nmi = std::move(inject_nmi),
               .on_free =
                   [this, &loop] {
                       asio::post(loop, [this] {
                           if (m_waiting && m_proxy.is_free())
                               attach(*std::exchange(m_waiting, std::nullopt));
                       });
                   }})
    , m_timer(loop)
    , m_listener(loop, [this](Channel::Socket socket) { accept(std::move(socket)); }) {
    m_stub->on_bytes = [this](Channel::Bytes bytes) {
        m_proxy.stub_bytes(bytes, steady_clock::now());
        arm();
    };
    m_stub->start();
}

GdbServer::~GdbServer() {
    close();
}

void GdbServer::accept(Channel::Socket socket) {
    if (m_proxy.is_free())
        attach(std::move(socket));
    else if (!m_client && !m_waiting)
        m_waiting.emplace(std::move(socket));
    // else: the second gdb; its socket closes here
}

void GdbServer::attach(Channel::Socket socket) {
    m_client = Channel::create(std::move(socket));
    m_proxy.client_attached();
    m_client->on_bytes = [this](Channel::Bytes bytes) {
        m_proxy.client_bytes(bytes, steady_clock::now());
        arm();
    };
    m_client->on_close = [this] {
        m_client.reset();
        m_proxy.client_gone(steady_clock::now());
        arm();
    };
    m_client->start();
}

void GdbServer::arm() {
    const auto deadline = m_proxy.deadline();
    if (!deadline) {
        m_timer.cancel();
        return;
    }
    if (m_timer.expiry() == *deadline)
        return;
    m_timer.expires_at(*deadline);
    m_timer.async_wait([this](asio::error_code error) {
        if (error)
            return;
        m_proxy.on_deadline(steady_clock::now());
        arm();
    });
}

void GdbServer::close() {
    m_listener.close();
    m_timer.cancel();
    m_waiting.reset();
    if (m_client)
        m_client->close_when_sent();
    m_client.reset();
    m_stub->close();
}

} // namespace tracer
