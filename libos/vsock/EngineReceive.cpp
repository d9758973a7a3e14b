// What the peer says. Everything in a packet is untrusted until it has been compared with what this side knows.
#include "libos/vsock/Engine.h"

namespace vsock {

using base::Error;
using drivers::SocketDevice;
using State = Endpoint::State;

void Engine::receive(const SocketDevice::Packet& packet_untrusted) {
    const auto& header = packet_untrusted.header;
    if (header.type != type_stream || header.destination_cid != m_device.local_cid() || header.source_cid >= any_cid) {
        refuse(header);
        return;
    }
    auto* endpoint =
        m_table.find_connection(header.destination_port, static_cast<uint32_t>(header.source_cid), header.source_port);
    if (endpoint != nullptr && header.operation == Request && endpoint->state != State::Connecting) {
        // A peer that starts anew has forgotten the connection: the host's side was restarted.
        end(*endpoint, Error::ConnectionReset);
        endpoint = nullptr;
    }
    if (endpoint == nullptr) {
        if (header.operation == Request)
            on_request(header);
        else
            refuse(header);
        return;
    }
    switch (endpoint->state) {
    case State::Connecting:
        on_connecting(*endpoint, header);
        break;
    case State::Established:
        on_established(*endpoint, packet_untrusted);
        break;
    default:
        on_closing(*endpoint, header);
        break;
    }
}

void Engine::on_request(const SocketPacketHeader& header) {
    Endpoint* endpoint = nullptr;
    if (auto* server = server_at(header.destination_port)) {
        if (header.source_cid == host_cid)
            endpoint = server->take_request();
        if (endpoint == nullptr) {
            refuse(header);
            return;
        }
    } else {
        auto* listener = m_table.find_owner(header.destination_port);
        if (listener == nullptr || listener->state != State::Listening) {
            refuse(header);
            return;
        }
        if (listener->waiting_count < listener->backlog)
            endpoint = m_table.take();
        if (endpoint == nullptr) {
            ++m_counters.refused_full;
            refuse(header);
            return;
        }
        endpoint->start(State::Established);
        endpoint->held = true; // by the queue
        listener->waiting.push(*endpoint);
        ++listener->waiting_count;
        m_events.push(*listener);
    }
    endpoint->local_port = header.destination_port;
    endpoint->peer_cid = static_cast<uint32_t>(header.source_cid);
    endpoint->peer_port = header.source_port;
    m_table.add_connection(*endpoint);
    establish(*endpoint, header);
    add_pending(*endpoint, Endpoint::PendingResponse);
}

void Engine::establish(Endpoint& endpoint, const SocketPacketHeader& header) {
    endpoint.state = State::Established;
    endpoint.deadline = sched::no_deadline;
    endpoint.send_credit.start(header.buffer_size, header.forwarded);
    m_events.push(endpoint);
}

void Engine::learn_credit(Endpoint& endpoint, const SocketPacketHeader& header) {
    endpoint.send_credit.learn(header.buffer_size, header.forwarded);
    if (endpoint.starved && endpoint.send_credit.available() != 0) {
        endpoint.starved = false;
        m_events.push(endpoint);
    }
}

void Engine::on_connecting(Endpoint& endpoint, const SocketPacketHeader& header) {
    switch (header.operation) {
    case Response:
        establish(endpoint, header);
        break;
    case Reset:
        end(endpoint, Error::ConnectionReset);
        break;
    default:
        ++m_counters.violations;
        send_reset(endpoint);
        end(endpoint, Error::Protocol);
        break;
    }
}

void Engine::on_established(Endpoint& endpoint, const SocketDevice::Packet& packet_untrusted) {
    const auto& header = packet_untrusted.header;
    learn_credit(endpoint, header);
    switch (header.operation) {
    case Data:
        on_data(endpoint, packet_untrusted);
        break;
    case CreditUpdate:
        break;
    case CreditRequest:
        // Without a buffer there is nothing to tell; grant() will.
        if (endpoint.receive_credit.size() != 0)
            add_pending(endpoint, Endpoint::PendingUpdate);
        break;
    case Shutdown:
        endpoint.peer_shut |= header.flags & ShutBoth;
        if (endpoint.peer_shut == ShutBoth) {
            // All it sent before is in the buffer. It waits for this answer before it forgets the connection.
            send_reset(endpoint);
            end(endpoint, std::nullopt);
        } else {
            m_events.push(endpoint);
        }
        break;
    case Reset:
        end(endpoint, std::nullopt);
        break;
    default: // a second answer, or an operation of a later standard
        break;
    }
}

void Engine::on_data(Endpoint& endpoint, const SocketDevice::Packet& packet_untrusted) {
    uint32_t length_untrusted = packet_untrusted.header.length;
    if (length_untrusted > packet_untrusted.payload.size() || (endpoint.peer_shut & ShutSend) != 0 ||
        length_untrusted > endpoint.buffer.room()) {
        violate(endpoint);
        return;
    }
    if (length_untrusted == 0)
        return;
    if ((endpoint.shut & ShutReceive) != 0) { // sent before the peer knew
        endpoint.receive_credit.forward(length_untrusted);
        return;
    }
    endpoint.buffer.put(packet_untrusted.payload.first(length_untrusted));
    m_events.push(endpoint);
}

void Engine::on_closing(Endpoint& endpoint, const SocketPacketHeader& header) {
    if (header.operation == Reset) {
        end(endpoint, std::nullopt);
    } else if (header.operation == Shutdown) {
        endpoint.peer_shut |= header.flags & ShutBoth;
        if (endpoint.peer_shut == ShutBoth) { // both closed at once
            send_reset(endpoint);
            end(endpoint, std::nullopt);
        }
    }
    // What else it sent, it sent before it knew: nobody wants it.
}

void Engine::violate(Endpoint& endpoint) {
    ++m_counters.violations;
    send_reset(endpoint);
    end(endpoint, Error::ConnectionReset);
}

void Engine::end(Endpoint& endpoint, std::optional<Error> error) {
    bool was_connecting = endpoint.state == State::Connecting;
    m_table.remove_connection(endpoint);
    endpoint.pending = 0;
    endpoint.deadline = sched::no_deadline;
    endpoint.error = error;
    if (was_connecting) {
        endpoint.state = State::Bound; // may try again
    } else {
        endpoint.state = State::Ended;
        endpoint.peer_shut = ShutBoth;
    }
    if (endpoint.server != nullptr)
        endpoint.server->ended();
    m_events.push(endpoint);
    if (!endpoint.held)
        release(endpoint);
}

void Engine::end_all(Error error) {
    auto is_known_to_peer = [](const Endpoint& endpoint) {
        return endpoint.state == State::Connecting || endpoint.state == State::Established ||
               endpoint.state == State::Closing;
    };
    for (uint32_t i = 0; i < m_table.count(); ++i) {
        if (is_known_to_peer(m_table.at(i)))
            end(m_table.at(i), error);
    }
    for (auto* server = m_servers; server != nullptr; server = server->m_next) {
        if (is_known_to_peer(server->endpoint()))
            end(server->endpoint(), error);
    }
}

/// Answers a packet that belongs to no connection. A Reset is never answered, or two sides would never be done.
void Engine::refuse(const SocketPacketHeader& header) {
    if (header.operation == Reset)
        return;
    queue_reset({header.destination_cid, header.source_cid, header.destination_port, header.source_port, header.type});
}

} // namespace vsock
