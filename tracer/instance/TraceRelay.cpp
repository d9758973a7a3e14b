#include "tracer/instance/TraceRelay.h"

namespace tracer {

TraceRelay::TraceRelay(asio::io_context& loop, std::shared_ptr<Channel> guest)
    : m_guest(std::move(guest))
    , m_listener(loop, [this](Channel::Socket socket) { accept(std::move(socket)); }) {
    m_guest->on_bytes = [this](Channel::Bytes bytes) { guest_bytes(bytes); };
    m_guest->on_close = [this] {
        if (m_client)
            m_client->close_when_sent();
        m_client.reset();
    };
    m_guest->start();
}

void TraceRelay::guest_bytes(Channel::Bytes bytes) {
    m_decoder.push(bytes);
    while (true) {
        const auto frame = m_decoder.next();
        if (!frame) {
            m_guest->close();
            if (m_client)
                m_client->close_when_sent();
            m_client.reset();
            return;
        }
        if (!*frame)
            break;
        if (m_client)
            m_client->send(encode_frame(**frame));
        if ((*frame)->is(wire::FrameType::TraceEnd)) {
            m_busy = false;
            if (m_waiting && !m_client)
                attach(*std::exchange(m_waiting, std::nullopt));
        }
    }
    if (m_client && m_client->queued_bytes() > high_water)
        m_guest->pause();
}

void TraceRelay::accept(Channel::Socket socket) {
    if (m_client)
        return; // one recorder is enough; the second one's socket closes here
    if (m_busy)
        m_waiting.emplace(std::move(socket));
    else
        attach(std::move(socket));
}

void TraceRelay::attach(Channel::Socket socket) {
    m_client = Channel::create(std::move(socket));
    m_client->on_drained = [this] { m_guest->resume(); };
    m_client->on_close = [this] {
        m_client.reset();
        m_guest->resume();
    };
    m_client->start();
}

void TraceRelay::close() {
    m_listener.close();
    m_waiting.reset();
    if (m_client)
        m_client->close_when_sent();
    m_client.reset();
    m_guest->close();
}

} // namespace tracer
