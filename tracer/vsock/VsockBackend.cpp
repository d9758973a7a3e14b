#include "tracer/vsock/VsockBackend.h"

#include <asio/post.hpp>
#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>

namespace tracer::vsock {

namespace {

std::string sentence(const Error& error) {
    return error.hint.empty() ? error.message : fmt::format("{}. {}", error.message, error.hint);
}

Result<std::pair<FileDescriptor, FileDescriptor>> stream_pair() {
    auto pair = TRY(socket_pair());
    for (const int end : {pair.first.get(), pair.second.get()})
        if (fcntl(end, F_SETFL, O_NONBLOCK) != 0)
            return fail_errno("cannot make a socket non-blocking", errno);
    return pair;
}

} // namespace

VsockBackend::VsockBackend(asio::io_context& loop, Options options)
    : m_loop(loop)
    , m_options(std::move(options))
    , m_alive(std::make_shared<char>())
    , m_pause(loop)
    , m_engine(
          loop, m_options.guest_cid,
          {.on_output = [this] { m_device.pump(); }, .open_host = [this](uint32_t port) { return open_host(port); }},
          m_options.limits)
    , m_device(loop, m_engine,
               {.on_broken = [this](const Error& error) { say(sentence(error)); },
                .on_change = [this] { device_changed(); }}) {}

Result<std::unique_ptr<VsockBackend>> VsockBackend::create(asio::io_context& loop, FrontEndPlace front_end,
                                                           Options options) {
    if (options.guest_cid < min_guest_cid || options.guest_cid > max_guest_cid)
        return fail(fmt::format("a guest cannot have the context id {}", options.guest_cid),
                    fmt::format("Give one from {} to {}.", min_guest_cid, max_guest_cid));
    std::unique_ptr<VsockBackend> made(new VsockBackend(loop, std::move(options)));
    VsockBackend& backend = *made;
    if (!backend.m_options.uds.empty())
        backend.m_host_side =
            TRY(HostSide::create(loop, backend.m_options.uds, [&backend](uint32_t port, FileDescriptor client) {
                backend.connect_client(port, std::move(client));
            }));
    backend.m_front_end = TRY(FrontEnd::create(loop, std::move(front_end), [&backend](FileDescriptor socket) {
        backend.front_end_connected(std::move(socket));
    }));
    return made;
}

VsockBackend::~VsockBackend() {
    m_ending = true;
    m_session.reset();
}

// --- QEMU ---

void VsockBackend::front_end_connected(FileDescriptor socket) {
    m_session = std::make_unique<VhostUserSession>(m_loop, std::move(socket), m_options.guest_cid, m_device,
                                                   [this](const std::optional<Error>& why) { session_ended(why); });
    changed();
}

void VsockBackend::session_ended(const std::optional<Error>& why) {
    if (why)
        say(sentence(*why));
    m_session.reset();
    m_front_end->release();
    changed();
}

void VsockBackend::device_changed() {
    m_pause.cancel();
    if (!m_device.is_running() && m_engine.connection_count() != 0) {
        m_pause.expires_after(m_options.pause);
        m_pause.async_wait([this, alive = std::weak_ptr(m_alive)](asio::error_code error) {
            if (error || alive.expired() || m_device.is_running())
                return;
            m_engine.reset();
        });
    }
    changed();
}

void VsockBackend::changed() {
    if (m_ending || !m_options.on_change)
        return;
    asio::post(m_loop, [this, alive = std::weak_ptr(m_alive)] {
        if (alive.expired())
            return;
        const auto on_change = m_options.on_change; // it may destroy this
        on_change();
    });
}

void VsockBackend::say(const std::string& message) {
    if (!m_options.say || m_ending)
        return;
    const auto now = std::chrono::steady_clock::now();
    if (now - m_minute >= std::chrono::minutes(1)) {
        m_minute = now;
        m_messages = 0;
    }
    if (m_messages >= messages_per_minute)
        return;
    const bool last = ++m_messages == messages_per_minute;
    asio::post(m_loop, [this, alive = std::weak_ptr(m_alive),
                        text = last ? message + " (more such messages are left out for a minute)" : message] {
        if (alive.expired())
            return;
        const auto say_it = m_options.say;
        say_it(text);
    });
}

// --- Host ---

void VsockBackend::connect_client(uint32_t port, FileDescriptor client) {
    if (is_ready()) // else the client is closed, and comes again
        m_engine.connect(port, std::move(client), true, nullptr);
}

void VsockBackend::connect(uint32_t guest_port, std::function<void(Result<FileDescriptor>)> on_answer) {
    auto pair = stream_pair();
    if (!pair || !is_ready()) {
        Error error = pair ? Error{"the guest's vsock driver is not up", "Is the guest still starting?"} : pair.error();
        asio::post(m_loop,
                   [alive = std::weak_ptr(m_alive), on_answer = std::move(on_answer), error = std::move(error)] {
                       if (!alive.expired())
                           on_answer(std::unexpected(error));
                   });
        return;
    }
    const auto end = std::make_shared<FileDescriptor>(std::move(pair->second));
    m_engine.connect(
        guest_port, std::move(pair->first), false,
        [alive = std::weak_ptr(m_alive), on_answer = std::move(on_answer), end](const Result<uint32_t>& answer) {
            if (alive.expired())
                return;
            if (answer)
                on_answer(std::move(*end));
            else
                on_answer(std::unexpected(answer.error()));
        });
}

Result<> VsockBackend::listen(uint32_t host_port, std::function<void(FileDescriptor)> on_connection) {
    if (!m_listeners.emplace(host_port, std::move(on_connection)).second)
        return fail(fmt::format("somebody listens on port {} of the host already", host_port));
    return {};
}

Result<FileDescriptor> VsockBackend::open_host(uint32_t port) {
    const auto listener = m_listeners.find(port);
    if (listener == m_listeners.end())
        return m_host_side ? m_host_side->open(port) : fail(fmt::format("nobody listens on port {} of the host", port));
    auto pair = TRY(stream_pair());
    const auto end = std::make_shared<FileDescriptor>(std::move(pair.second));
    asio::post(m_loop, [alive = std::weak_ptr(m_alive), on_connection = listener->second, end] {
        if (!alive.expired())
            on_connection(std::move(*end));
    });
    return std::move(pair.first);
}

} // namespace tracer::vsock
