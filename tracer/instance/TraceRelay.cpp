#include "tracer/instance/TraceRelay.h"

#include <algorithm>
#include <utility>

namespace tracer {

TraceRelay::TraceRelay(asio::io_context& loop)
    : m_timer(loop)
    , m_listener(loop, [this](Channel::Socket socket) { accept(std::move(socket)); }) {}

void TraceRelay::set_guest(std::shared_ptr<Channel> guest) {
    m_guest = std::move(guest);
    m_decoder = {};
    m_guest->on_bytes = [this](Channel::Bytes bytes) { guest_bytes(bytes); };
    m_guest->on_close = [this] { guest_lost(); };
    m_guest->start();
    if (m_waiting && !m_busy)
        attach(*std::exchange(m_waiting, std::nullopt));
}

void TraceRelay::let_guest_go() {
    if (m_guest)
        m_guest->close_when_sent();
    m_guest.reset();
}

void TraceRelay::guest_lost() {
    m_guest.reset();
    m_was_cut = true;
    send_client_away();
    m_waiting.reset();
    ended();
    if (on_lost)
        on_lost();
}

void TraceRelay::guest_bytes(Channel::Bytes bytes) {
    m_decoder.push(bytes);
    if (m_is_ending)
        wait_for_end(); // a slow link brings it in the end
    while (true) {
        const auto frame = m_decoder.next();
        if (!frame) {
            m_guest->close();
            guest_lost();
            return;
        }
        if (!*frame)
            break;
        if (m_client)
            m_client->send(encode_frame(**frame));
        if ((*frame)->is(wire::FrameType::TraceEnd))
            ended();
    }
    if (m_client && m_client->queued_bytes() > high_water)
        m_guest->pause();
}

/// The channel is nobody's recording any more.
void TraceRelay::ended() {
    m_busy = m_is_ending = false;
    m_timer.cancel();
    if (!m_thieves.empty()) {
        m_was_cut = false;
        send_client_away();
        for (const auto& done : std::exchange(m_thieves, {}))
            done();
        if (m_waiting) // somebody came first
            attach(*std::exchange(m_waiting, std::nullopt));
    } else if (m_waiting && !m_client)
        attach(*std::exchange(m_waiting, std::nullopt));
    else if (is_free() && m_guest && on_idle)
        on_idle();
}

void TraceRelay::wait_for_end() {
    const auto now = std::chrono::steady_clock::now();
    if (!std::exchange(m_is_ending, true))
        m_end_by = now + longest_end;
    m_timer.expires_at(std::min(now + end_timeout, m_end_by));
    m_timer.async_wait([this](asio::error_code error) {
        if (!error)
            ended();
    });
}

void TraceRelay::send_client_away() {
    if (m_client)
        m_client->close_when_sent();
    m_client.reset();
    if (m_guest)
        m_guest->resume();
}

void TraceRelay::steal(std::function<void()> done) {
    m_waiting.reset();
    m_thieves.push_back(std::move(done));
    if (m_busy)
        wait_for_end();
    else
        ended();
}

void TraceRelay::accept(Channel::Socket socket) {
    if (m_client || m_waiting || (!m_guest && !on_wanted))
        return; // one recorder already, or nothing to record; the socket closes here
    if (m_guest && !m_busy) {
        attach(std::move(socket));
        return;
    }
    m_waiting.emplace(std::move(socket));
    if (!m_guest)
        on_wanted();
    else
        wait_for_end();
}

void TraceRelay::attach(Channel::Socket socket) {
    m_client = Channel::create(std::move(socket));
    m_client->on_drained = [this] {
        if (m_guest)
            m_guest->resume();
    };
    m_client->on_close = [this] { client_gone(); };
    m_client->start();
}

void TraceRelay::client_gone() {
    m_client.reset();
    if (m_guest)
        m_guest->resume();
    if (m_busy)
        wait_for_end(); // its recording is being stopped
    else if (is_free() && m_guest && on_idle)
        on_idle();
}

void TraceRelay::close() {
    m_listener.close();
    m_timer.cancel();
    m_waiting.reset();
    m_thieves.clear();
    if (m_client)
        m_client->close_when_sent();
    m_client.reset();
    if (m_guest)
        m_guest->close();
}

} // namespace tracer
