#include "tracer/instance/ControlHub.h"

#include <algorithm>
#include <cstring>

namespace tracer {

namespace {

// Answers that never came: a guest that is held in the debugger answers late, one that crashed never.
constexpr size_t max_pending = 4096;

} // namespace

ControlHub::ControlHub(asio::io_context& loop)
    : m_listener(loop, [this](Channel::Socket socket) { accept(std::move(socket)); }) {}

void ControlHub::set_guest(std::shared_ptr<Channel> guest) {
    m_guest = std::move(guest);
    m_decoder = {};
    m_guest->on_bytes = [this](Channel::Bytes bytes) { guest_bytes(bytes); };
    m_guest->on_close = [this] { guest_lost(); };
    m_guest->start();
    if (std::exchange(m_stop_owed, false))
        m_guest->send(encode_frame(wire::FrameType::RecordStop, take_request_number()));
}

void ControlHub::guest_bytes(Channel::Bytes bytes) {
    m_decoder.push(bytes);
    while (true) {
        const auto frame = m_decoder.next();
        if (!frame) {
            m_guest->close();
            if (on_broken)
                on_broken(frame.error());
            guest_lost();
            return;
        }
        if (!*frame)
            return;
        guest_frame(**frame);
    }
}

/// Answers will not come any more: the clients see the end of their connections, and may come again.
void ControlHub::guest_lost() {
    m_guest.reset();
    m_pending.clear();
    m_probe_request = 0;
    m_status.reset();
    for (const auto& client : std::exchange(m_clients, {})) {
        m_stop_owed = m_stop_owed || client->records;
        client->channel->close_when_sent();
    }
    if (on_lost)
        on_lost();
}

void ControlHub::guest_frame(const Frame& frame) {
    if (frame.is(wire::FrameType::Exited)) {
        for (const auto& client : m_clients)
            client->channel->send(encode_frame(frame));
        if (const auto message = frame.as<wire::ExitedMessage>(); message && on_exited)
            on_exited(*message);
        return;
    }
    if (frame.is(wire::FrameType::Audit)) {
        if (const auto message = frame.as<wire::AuditMessage>(); message && on_audit)
            on_audit(*message);
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
        if (frame.body.size() >= sizeof(wire::ReplyMessage) + sizeof(wire::StatusMessage)) {
            wire::StatusMessage status;
            std::memcpy(&status, frame.body.data() + sizeof(wire::ReplyMessage), sizeof status);
            m_status = status;
        }
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
    if (m_guest)
        m_guest->send(encode_frame(wire::FrameType::Acknowledge, 0));
}

uint32_t ControlHub::take_request_number() {
    const uint32_t number = m_next_request++;
    if (m_next_request == 0)
        m_next_request = 1;
    return number;
}

void ControlHub::query_hello() {
    if (m_guest)
        m_guest->send(encode_frame(wire::FrameType::QueryHello, take_request_number()));
}

bool ControlHub::stop_recording() {
    const auto found = std::ranges::find_if(m_clients, [](const auto& client) { return client->records; });
    if (found == m_clients.end() || !m_guest)
        return false;
    (*found)->records = false;
    m_guest->send(encode_frame(wire::FrameType::RecordStop, take_request_number()));
    return true;
}

std::optional<Peer> ControlHub::recorder() const {
    const auto found = std::ranges::find_if(m_clients, [](const auto& client) { return client->records; });
    return found == m_clients.end() ? std::nullopt : (*found)->peer;
}

void ControlHub::probe() {
    if (!m_guest)
        return;
    m_probe_request = take_request_number();
    m_guest->send(encode_frame(wire::FrameType::QueryStatus, m_probe_request));
}

void ControlHub::accept(Channel::Socket socket) {
    if (!m_guest)
        return; // the end of the connection is the answer; manage.sock has the reason
    const auto client = std::make_shared<Client>();
    client->peer = peer_of(socket.native_handle());
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
    if (frame.is(wire::FrameType::Acknowledge) || !m_guest)
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
    if (client->records && m_guest) {
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
    if (m_guest)
        m_guest->close();
}

} // namespace tracer
