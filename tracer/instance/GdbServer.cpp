#include "tracer/instance/GdbServer.h"

#include <asio/post.hpp>

namespace tracer {

using std::chrono::steady_clock;

GdbServer::GdbServer(asio::io_context& loop, std::function<void()> inject_nmi)
    : m_loop(loop)
    , m_proxy({.to_stub =
                   [this](Channel::Bytes bytes) {
                       if (m_stub)
                           m_stub->send(bytes);
                   },
               .to_client =
                   [this](Channel::Bytes bytes) {
                       if (m_client)
                           m_client->send(bytes);
                   },
               .inject_nmi = std::move(inject_nmi),
               .on_free = [this] { asio::post(m_loop, [this] { became_free(); }); }})
    , m_timer(loop)
    , m_listener(loop, [this](Channel::Socket socket) { accept(std::move(socket)); }) {}

GdbServer::~GdbServer() {
    close();
}

void GdbServer::set_stub(std::shared_ptr<Channel> stub) {
    m_stub = std::move(stub);
    m_stub->on_bytes = [this](Channel::Bytes bytes) {
        m_proxy.stub_bytes(bytes, steady_clock::now());
        arm();
    };
    m_stub->on_close = [this] { stub_lost(); };
    m_stub->start();
    if (std::exchange(m_leave_owed, false)) {
        m_proxy.take_leave(steady_clock::now());
        arm();
    } else
        attach_waiting();
}

void GdbServer::let_stub_go() {
    if (m_stub)
        m_stub->close_when_sent();
    m_stub.reset();
}

void GdbServer::stub_lost() {
    m_stub.reset();
    m_leave_owed = m_proxy.stub_gone() || m_leave_owed;
    m_timer.cancel();
    if (m_client)
        m_client->close_when_sent();
    m_client.reset();
    if (on_lost)
        on_lost();
    if (m_leave_owed && on_wanted)
        on_wanted();
    became_free();
}

void GdbServer::refuse() {
    m_waiting.reset();
}

void GdbServer::steal(std::function<void()> done) {
    m_waiting.reset();
    if (m_client) {
        m_client->close();
        m_client.reset();
        m_proxy.client_gone(steady_clock::now());
        arm();
    }
    m_thieves.push_back(std::move(done));
    if (m_proxy.is_free())
        became_free();
}

void GdbServer::became_free() {
    if (!m_proxy.is_free())
        return;
    if (!m_thieves.empty()) {
        for (const auto& done : std::exchange(m_thieves, {}))
            done();
        attach_waiting(); // somebody came first
        return;           // else the thief comes next, so the stub is kept
    }
    attach_waiting();
    if (m_stub && !m_client && !m_waiting && on_idle)
        on_idle();
}

void GdbServer::attach_waiting() {
    if (m_waiting && m_stub && !m_client && m_proxy.is_free())
        attach(*std::exchange(m_waiting, std::nullopt));
}

void GdbServer::accept(Channel::Socket socket) {
    if (is_client_there() || m_waiting || (!m_stub && !on_wanted))
        return; // the second gdb, or nothing to attach to; the socket closes here
    if (m_stub && !m_client && m_proxy.is_free()) {
        attach(std::move(socket));
        return;
    }
    m_waiting.emplace(std::move(socket));
    if (!m_stub && on_wanted)
        on_wanted();
}

void GdbServer::attach(Channel::Socket socket) {
    m_peer = peer_of(socket.native_handle());
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
    m_thieves.clear();
    if (m_client)
        m_client->close_when_sent();
    m_client.reset();
    if (m_stub)
        m_stub->close();
}

} // namespace tracer
