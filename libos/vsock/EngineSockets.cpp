// What sockets ask for, in thread context.
#include "libos/vsock/Engine.h"
#include "libos/vsock/Section.h"

#include <algorithm>

namespace vsock {

using base::Error;
using base::fail;
using base::Result;
using State = Endpoint::State;

Result<Endpoint*> Engine::bind(uint32_t port) {
    Section section(*this);
    auto is_taken = [this](uint32_t wanted) { return m_table.find_owner(wanted) != nullptr || server_at(wanted); };
    if (port == any_port) {
        // Endpoints are fewer than ports, so one of as many in a row is free.
        uint32_t tries = m_table.count() + 16;
        do {
            if (tries-- == 0)
                return fail(Error::AddressNotAvailable);
            port = m_next_port;
            m_next_port = port + 1 == any_port ? last_reserved_port + 1 : port + 1;
        } while (is_taken(port));
    } else if (is_taken(port)) {
        return fail(Error::AddressInUse);
    }
    auto* endpoint = m_table.take();
    if (endpoint == nullptr)
        return fail(Error::NoBuffers);
    endpoint->start(State::Bound);
    endpoint->held = true;
    m_table.add_owner(*endpoint, port);
    return endpoint;
}

uint32_t Engine::free_endpoints() {
    sched::NoStopLocker locker(m_lock);
    return m_table.free_count();
}

Result<> Engine::listen(Endpoint& endpoint, unsigned backlog) {
    Section section(*this);
    if (endpoint.state != State::Bound && endpoint.state != State::Listening)
        return fail(Error::Invalid);
    endpoint.state = State::Listening;
    endpoint.backlog = std::min(backlog, m_table.count()) + 1; // as Linux counts: one more than was asked for
    return {};
}

Endpoint* Engine::accept(Endpoint& listener) {
    Section section(*this);
    auto* endpoint = listener.waiting.pop();
    if (endpoint != nullptr)
        --listener.waiting_count;
    return endpoint;
}

void Engine::grant(Endpoint& endpoint, ReceiveBuffer&& buffer) {
    ReceiveBuffer old; // freed without the lock
    Section section(*this);
    std::swap(old, endpoint.buffer);
    std::swap(endpoint.buffer, buffer);
    endpoint.receive_credit.set_size(endpoint.buffer.capacity());
    if (endpoint.state == State::Established)
        add_pending(endpoint, Endpoint::PendingUpdate);
}

Result<> Engine::connect(Endpoint& endpoint, uint32_t peer_cid, uint32_t peer_port, ReceiveBuffer&& buffer) {
    ReceiveBuffer old;
    Section section(*this);
    switch (endpoint.state) {
    case State::Bound:
        break;
    case State::Connecting:
        return fail(Error::Already);
    case State::Listening:
        return fail(Error::Invalid);
    default:
        return fail(Error::IsConnected);
    }
    if (m_table.find_connection(endpoint.local_port, peer_cid, peer_port) != nullptr)
        return fail(Error::AddressInUse);
    endpoint.start(State::Connecting);
    endpoint.peer_cid = peer_cid;
    endpoint.peer_port = peer_port;
    std::swap(old, endpoint.buffer);
    std::swap(endpoint.buffer, buffer);
    endpoint.receive_credit.start(endpoint.buffer.capacity());
    m_table.add_connection(endpoint);
    add_pending(endpoint, Endpoint::PendingRequest);
    return {};
}

void Engine::limit_connect(Endpoint& endpoint, sched::Deadline deadline) {
    Section section(*this);
    if (endpoint.state == State::Connecting)
        set_deadline(endpoint, deadline);
}

void Engine::abandon_connect(Endpoint& endpoint, Error error) {
    Section section(*this);
    if (endpoint.state == State::Connecting)
        end(endpoint, error);
}

Result<> Engine::shut_down(Endpoint& endpoint, uint8_t directions) {
    Section section(*this);
    if (endpoint.state != State::Established && endpoint.state != State::Ended)
        return fail(Error::NotConnected);
    endpoint.shut |= directions;
    if (endpoint.state == State::Established)
        add_pending(endpoint, Endpoint::PendingShutdown);
    m_events.push(endpoint); // other threads of the app that wait in it
    return {};
}

/// An endpoint that nobody holds and the peer does not know.
void Engine::release(Endpoint& endpoint) {
    endpoint.pending = 0;
    m_table.give_back(endpoint);
}

void Engine::close(Endpoint& endpoint) {
    ReceiveBuffer old;
    Section section(*this);
    while (auto* unaccepted = endpoint.waiting.pop()) {
        --endpoint.waiting_count;
        unaccepted->held = false;
        if (unaccepted->state == State::Established) {
            send_reset(*unaccepted);
            end(*unaccepted, std::nullopt);
        } else {
            release(*unaccepted);
        }
    }
    std::swap(old, endpoint.buffer);
    endpoint.held = false;
    switch (endpoint.state) {
    case State::Established:
        endpoint.state = State::Closing;
        endpoint.shut = ShutBoth;
        endpoint.pending &= static_cast<uint8_t>(Endpoint::PendingResponse);
        add_pending(endpoint, Endpoint::PendingShutdown);
        set_deadline(endpoint, m_configuration.now() + close_timeout_ns);
        break;
    case State::Connecting:
        end(endpoint, std::nullopt);
        break;
    default:
        release(endpoint);
        break;
    }
}

Engine::Status Engine::status(Endpoint& endpoint) {
    Section section(*this);
    Status status{
        endpoint.state,      endpoint.shut,     endpoint.peer_shut, endpoint.error.has_value(), false,
        endpoint.local_port, endpoint.peer_cid, endpoint.peer_port, endpoint.buffer.size(),     endpoint.waiting_count};
    if (endpoint.state != State::Established)
        return status;
    if (endpoint.send_credit.available() == 0)
        want_credit(endpoint);
    else
        status.can_send = data_room() != 0 || !want_room(endpoint);
    return status;
}

std::optional<Error> Engine::take_error(Endpoint& endpoint) {
    Section section(*this);
    return std::exchange(endpoint.error, std::nullopt);
}

Result<Engine::Received> Engine::received(Endpoint& endpoint) {
    Section section(*this);
    if (endpoint.state != State::Established && endpoint.state != State::Ended)
        return fail(Error::NotConnected);
    size_t length = (endpoint.shut & ShutReceive) != 0 ? 0 : endpoint.buffer.size();
    return Received{endpoint.buffer.position(), length, endpoint.cannot_receive()};
}

void Engine::consume(Endpoint& endpoint, size_t count) {
    Section section(*this);
    endpoint.buffer.advance(count);
    endpoint.receive_credit.forward(static_cast<uint32_t>(count));
    update_credit(endpoint);
}

Result<Engine::Reservation> Engine::begin_send(Endpoint& endpoint, size_t wanted) {
    Section section(*this);
    if (endpoint.state != State::Established && endpoint.state != State::Ended)
        return fail(Error::NotConnected);
    if (endpoint.cannot_send())
        return fail(Error::BrokenPipe);
    uint32_t credit = endpoint.send_credit.available();
    if (credit == 0) {
        want_credit(endpoint);
        return fail(Error::Again);
    }
    reclaim();
    SendBuffer* buffer = nullptr;
    while (data_room() == 0 || (buffer = m_pool.take(std::min<size_t>(wanted, credit))) == nullptr) {
        if (want_room(endpoint))
            return fail(Error::Again);
    }
    ++m_reserved;
    return Reservation{buffer, static_cast<uint32_t>(std::min<size_t>({wanted, credit, buffer->size}))};
}

void Engine::finish_send(Endpoint& endpoint, const Reservation& reservation, uint32_t length) {
    Section section(*this);
    --m_reserved;
    bool sendable = endpoint.state == State::Established && !endpoint.cannot_send() && !m_device.is_broken();
    // The credit may have shrunk meanwhile, by a peer that takes back what it gave: it gets what it was promised.
    if (length == 0 || !sendable || !send_data(endpoint, reservation.buffer->address, length, *reservation.buffer))
        m_pool.give_back(*reservation.buffer);
}

} // namespace vsock
