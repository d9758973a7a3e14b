// Rounds, events and time.
#include "libos/vsock/Engine.h"

#include "libos/vsock/Section.h"

namespace vsock {

base::Result<> Engine::start() {
    TRY(m_table.allocate(m_configuration.max_endpoints));
    TRY(m_pool.allocate(m_pages));
    {
        sched::NoStopLocker locker(m_lock);
        m_started = true;
    }
    m_device.set_event_handler(on_device_event, this);
    service(); // what came before there was a handler
    return {};
}

void Engine::add_server(PortServer& server) {
    sched::NoStopLocker locker(m_lock);
    server.endpoint().server = &server;
    server.m_next = m_servers;
    m_servers = &server;
}

PortServer* Engine::server_at(uint32_t port) const {
    for (auto* server = m_servers; server != nullptr; server = server->m_next) {
        if (server->port() == port)
            return server;
    }
    return nullptr;
}

void Engine::service() {
    for (bool more = true; more;) {
        bool happened = false;
        {
            sched::NoStopLocker locker(m_lock);
            more = work();
            if (!more) {
                more = m_device.rearm();
                more |= m_device.want_sent(wants_sent());
            }
            happened = !m_events.empty() || m_deadline_moved;
        }
        if (happened)
            deliver();
    }
}

base::Result<> Engine::poll_stopped() {
    if (m_lock.is_held())
        return base::fail(base::Error::Busy);
    sched::NoStopLocker locker(m_lock);
    work();
    return {};
}

bool Engine::work() {
    if (!m_started)
        return false;
    reclaim();
    unsigned count = 0;
    for (; count < packets_per_round; ++count) {
        auto packet = m_device.receive();
        if (!packet)
            break;
        receive(*packet);
        m_device.release_received();
    }
    if (m_device.take_transport_reset())
        end_all(base::Error::ConnectionReset);
    if (m_device.is_broken() && !m_was_broken) {
        m_was_broken = true;
        end_all(base::Error::Io);
    }
    for (auto* server = m_servers; server != nullptr; server = server->m_next)
        server->advance();
    flush();
    return count == packets_per_round;
}

bool Engine::reclaim() {
    bool any = false;
    while (auto token = m_device.take_sent()) {
        any = true;
        ++m_completed_packets;
        auto* payload = static_cast<Payload*>(*token);
        if (payload != nullptr && --payload->in_flight == 0)
            payload->returned();
    }
    if (any) {
        while (auto* endpoint = m_room.pop())
            m_events.push(*endpoint);
    }
    return any;
}

// Interrupts for sent packets are on only while somebody waits for one. Switching them on races with packets that are
// done just then, for which there is none: whoever switches looks again. What comes back later raises an interrupt and
// so makes a round, in which events are told, even if somebody else under the lock has taken it back first.

bool Engine::want_room(Endpoint& endpoint) {
    if (m_device.want_sent(true) && reclaim())
        return false;
    m_room.push(endpoint);
    return true;
}

void Engine::await_payload() {
    ++m_awaited_payloads;
    while (m_device.want_sent(true) && reclaim())
        ;
}

bool Engine::wants_sent() const {
    return m_awaited_payloads != 0 || !m_room.empty() || !m_pending.empty() || m_reset_count != 0;
}

void Engine::deliver() {
    bool sockets = false;
    for (;;) {
        Endpoint* endpoint;
        bool deadline_moved;
        {
            sched::NoStopLocker locker(m_lock);
            endpoint = m_events.pop();
            deadline_moved = std::exchange(m_deadline_moved, false);
        }
        if (deadline_moved)
            timer_event.signal();
        if (endpoint == nullptr)
            break;
        if (endpoint->server != nullptr) {
            endpoint->server->deliver();
        } else {
            // It may be another connection's by now: then that one's threads look once for nothing.
            endpoint->event.signal();
            sockets = true;
        }
    }
    if (sockets && m_configuration.readiness_changed != nullptr)
        m_configuration.readiness_changed();
}

Section::~Section() {
    m_engine.flush();
    bool happened = !m_engine.m_events.empty() || m_engine.m_deadline_moved;
    m_engine.m_lock.unlock(m_state);
    if (happened)
        m_engine.deliver();
}

// --- Time

void Engine::set_deadline(Endpoint& endpoint, sched::Deadline deadline) {
    endpoint.deadline = deadline;
    if (deadline < m_next_deadline) {
        m_next_deadline = deadline;
        m_deadline_moved = true;
    }
}

sched::Deadline Engine::next_deadline() {
    sched::NoStopLocker locker(m_lock);
    return m_next_deadline;
}

void Engine::expire() {
    Section section(*this);
    uint64_t now = m_configuration.now();
    m_next_deadline = sched::no_deadline;
    for (uint32_t i = 0; i < m_table.count(); ++i) {
        auto& endpoint = m_table.at(i);
        if (endpoint.deadline > now) {
            if (endpoint.deadline < m_next_deadline)
                m_next_deadline = endpoint.deadline;
            continue;
        }
        if (endpoint.state == Endpoint::State::Closing)
            send_reset(endpoint);
        end(endpoint, base::Error::TimedOut);
    }
}

} // namespace vsock
