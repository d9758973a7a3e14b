#include "tracer/instance/ControlHub.h"

namespace tracer {

namespace {

// Answers that never came: a guest that is held in the debugger answers late, one that crashed never.
constexpr size_t max_pending = 4096;

} // namespace

ControlHub::ControlHub(asio::io_context& loop, std::shared_ptr<Channel> guest)
    : m_guest(std::move(guest))
    , m_listener(loop, [this](Channel::Socket socket) { accept(std::move(socket)); }) {
    m_guest->on_bytes = [this](Channel::Bytes bytes) {
        m_decoder.push(bytes);
        while (true) {
            const auto frame = m_decoder.next();
            if (!frame) {
                m_guest->close();
                if (on_broken)
                    on_broken(frame.error());
                return;
            }
            if (!*frame)
                return;
            guest_frame(**frame);
        }
    };
    m_guest->start();
}

void ControlHub::guest_frame(const Frame& frame) {
    if (frame.is(wire::FrameType::Exited)) {
        if (const auto message = frame.as<wire::ExitedMessage>(); message && on_exited)
            on_exited(*message);
        return;
    }
    if (frame.is(wire::FrameType::Hello)) {
        if (const auto message = frame.as<wire::HelloMessage>()) {
            m_hello = *message;
            if (on_hello)
                on_hello(*message);
        }
    }
    if (frame.request != 0 && frame.request == m_probe_request) {
        m_probe_request = 0;
        if (on_alive)
            on_alive();
        return;
    }
    const auto found = m_pending.find(frame.request);
    if (found == m_pending.end())
        return;
    if (const auto client = found->second.client.lock()) {
        Frame answer = frame;
        answer.request = found->second.request;
        client->channel->send(encode_frame(answer));
    }
    m_pending.erase(found);
}

void ControlHub::acknowledge_exit() {
    m_guest->send(encode_frame(wire::FrameType::Acknowledge, 0));
}

uint32_t ControlHub::take_request_number() {
    const uint32_t number = m_next_request++;
    if (m_next_request == 0)
        m_next_request = 1;
    return number;
}

void ControlHub::probe() {
    m_probe_request = take_request_number();
    m_guest->send(encode_frame(wire::FrameType::QueryStatus, m_probe_request));
}

void ControlHub::accept(Channel::Socket socket) {
    const auto client = std::make_shared<Client>();
    client->channel = Channel::create(std::move(socket));
    m_clients.insert(client);
    client->channel->on_bytes = [this, weak = std::weak_ptr(client)](Channel::Bytes bytes) {
        const auto self = weak.lock();
        if (!self)
            return;
        self->decoder.push(bytes);
        while (true) {
            auto frame = self->decoder.next();
            if (!frame) {
                self->channel->close();
                client_gone(self);
                return;
            }
            if (!*frame)
                return;
            client_frame(self, std::move(**frame));
        }
    };
    client->channel->on_close = [this, weak = std::weak_ptr(client)] {
        if (const auto self = weak.lock())
            client_gone(self);
    };
    client->channel->start();
}

void ControlHub::client_frame(const std::shared_ptr<Client>& client, Frame frame) {
    if (frame.is(wire::FrameType::Acknowledge))
        return; // ours to send
    if (frame.is(wire::FrameType::RecordStart) || frame.is(wire::FrameType::Snapshot)) {
        client->records = frame.is(wire::FrameType::RecordStart);
        if (on_recording)
            on_recording(true);
    }
    if (frame.is(wire::FrameType::RecordStop))
        client->records = false;
    if (m_pending.size() >= max_pending)
        m_pending.erase(m_pending.begin());
    const uint32_t number = take_request_number();
    m_pending[number] = {client, frame.request};
    frame.request = number;
    m_guest->send(encode_frame(frame));
}

void ControlHub::client_gone(const std::shared_ptr<Client>& client) {
    if (client->records) {
        m_guest->send(encode_frame(wire::FrameType::RecordStop, 0));
        if (on_recording)
            on_recording(false);
    }
    m_clients.erase(client);
}

void ControlHub::close() {
    m_listener.close();
    for (const auto& client : std::exchange(m_clients, {}))
        client->channel->close_when_sent();
    m_guest->close();
}

} // namespace tracer
