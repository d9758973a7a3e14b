// What this side says.
#include "libos/vsock/Engine.h"

namespace vsock {

using base::Error;
using base::fail;
using base::Result;
using State = Endpoint::State;

SocketPacketHeader Engine::header_for(Endpoint& endpoint, Operation operation) {
    SocketPacketHeader header{};
    header.source_cid = m_device.local_cid();
    header.destination_cid = endpoint.peer_cid;
    header.source_port = endpoint.local_port;
    header.destination_port = endpoint.peer_port;
    header.type = type_stream;
    header.operation = operation;
    header.buffer_size = endpoint.receive_credit.size();
    header.forwarded = endpoint.receive_credit.forwarded();
    return header;
}

Result<> Engine::send(Endpoint& endpoint, Operation operation, uint32_t flags) {
    auto header = header_for(endpoint, operation);
    header.flags = flags;
    TRY(m_device.send(header, 0, 0, nullptr));
    endpoint.receive_credit.announce();
    return {};
}

size_t Engine::data_room() const {
    size_t room = m_device.room();
    return room > control_room + m_reserved ? room - control_room - m_reserved : 0;
}

Result<> Engine::send_data(Endpoint& endpoint, memory::PhysicalAddress address, uint32_t length, Payload& payload) {
    auto header = header_for(endpoint, Data);
    header.length = length;
    TRY(m_device.send(header, address, length, &payload));
    ++payload.in_flight;
    endpoint.send_credit.spend(length);
    endpoint.receive_credit.announce();
    endpoint.pending &= static_cast<uint8_t>(~Endpoint::PendingUpdate); // told with the data
    return {};
}

void Engine::want_credit(Endpoint& endpoint) {
    // Asked once in each drought: a peer that says what it forwards by itself does not need it.
    if (std::exchange(endpoint.starved, true))
        return;
    add_pending(endpoint, Endpoint::PendingCreditRequest);
}

void Engine::update_credit(Endpoint& endpoint) {
    if (endpoint.state == State::Established && endpoint.receive_credit.is_worth_announcing())
        add_pending(endpoint, Endpoint::PendingUpdate);
}

void Engine::add_pending(Endpoint& endpoint, uint8_t pending) {
    endpoint.pending |= pending;
    m_pending.push(endpoint);
}

// --- What waits for room. Data leaves places for these, so room is short only when the device takes nothing.

void Engine::send_reset(const Endpoint& endpoint) {
    queue_reset({m_device.local_cid(), endpoint.peer_cid, endpoint.local_port, endpoint.peer_port, type_stream});
}

void Engine::queue_reset(const Address& address) {
    if (m_reset_count == max_resets && !flush_resets()) {
        ++m_counters.dropped_resets;
        return;
    }
    m_resets[(m_first_reset + m_reset_count++) % max_resets] = address;
}

/// Whether any went.
bool Engine::flush_resets() {
    bool any = false;
    for (; m_reset_count != 0 && m_device.room() > m_reserved; --m_reset_count) {
        const auto& address = m_resets[m_first_reset];
        SocketPacketHeader header{};
        header.source_cid = address.local_cid;
        header.destination_cid = address.peer_cid;
        header.source_port = address.local_port;
        header.destination_port = address.peer_port;
        header.type = address.type;
        header.operation = Reset;
        if (!m_device.send(header, 0, 0, nullptr))
            break;
        m_first_reset = (m_first_reset + 1) % max_resets;
        any = true;
    }
    return any;
}

/// Whether all went.
bool Engine::send_pending(Endpoint& endpoint) {
    struct {
        uint8_t pending;
        Operation operation;
    } constexpr packets[] = {
        // In the order in which the peer has to see them.
        {Endpoint::PendingRequest, Request},     {Endpoint::PendingResponse, Response},
        {Endpoint::PendingUpdate, CreditUpdate}, {Endpoint::PendingCreditRequest, CreditRequest},
        {Endpoint::PendingShutdown, Shutdown},
    };
    for (const auto& packet : packets) {
        if ((endpoint.pending & packet.pending) == 0)
            continue;
        if (m_device.room() <= m_reserved ||
            !send(endpoint, packet.operation, packet.operation == Shutdown ? endpoint.shut : 0))
            return false;
        endpoint.pending &= static_cast<uint8_t>(~packet.pending);
    }
    return true;
}

void Engine::flush() {
    for (bool again = true; again;) {
        flush_resets();
        while (auto* endpoint = m_pending.front()) {
            if (!send_pending(*endpoint))
                break;
            m_pending.pop();
        }
        m_device.notify();
        again = (!m_pending.empty() || m_reset_count != 0) && m_device.want_sent(true);
        if (again)
            reclaim();
    }
}

} // namespace vsock
