#pragma once
// Endpoint: one end of a connection, or a port that waits for connections. Endpoints live in the table for ever (or in
// a PortServer) and are used again and again; all but `event` is guarded by the engine's lock.

#include "libos/base/Result.h"
#include "libos/sched/Event.h"
#include "libos/vsock/Credit.h"
#include "libos/vsock/Protocol.h"
#include "libos/vsock/ReceiveBuffer.h"

#include <cstdint>
#include <utility>

namespace vsock {

class PortServer;
struct Endpoint;

/// A FIFO through the endpoints themselves; each is in it once, and may be used for something else meanwhile.
struct QueueLink {
    Endpoint* next = nullptr;
    bool queued = false;
};
template <QueueLink Endpoint::* Link>
class EndpointQueue {
public:
    bool empty() const { return m_first == nullptr; }
    Endpoint* front() const { return m_first; }
    void push(Endpoint& endpoint);
    /// nullptr when empty.
    Endpoint* pop();

private:
    Endpoint* m_first = nullptr;
    Endpoint* m_last = nullptr;
};

struct Endpoint {
    enum class State : uint8_t {
        Free,
        Bound,       ///< has a port, no connection
        Listening,   ///< has a port and takes connections to it
        Connecting,  ///< has asked, has no answer
        Established, ///< both know of it
        Ended,       ///< the peer does not know of it any more; what has arrived can still be read
        Closing,     ///< nobody here wants it any more; the peer has not answered that yet
    };
    enum Pending : uint8_t { // packets that are to be sent, when there is room
        PendingRequest = 1,
        PendingResponse = 2,
        PendingUpdate = 4,
        PendingCreditRequest = 8,
        PendingShutdown = 16,
    };

    /// As new, but for the links.
    void start(State new_state) {
        state = new_state;
        pending = 0;
        shut = peer_shut = 0;
        starved = false;
        error = std::nullopt;
        deadline = sched::no_deadline;
        peer_cid = peer_port = 0;
        receive_credit.start(0);
    }

    bool is_connected() const { return state == State::Established; }
    bool cannot_receive() const {
        return ((shut & ShutReceive) | (peer_shut & ShutSend)) != 0 || state == State::Ended;
    }
    bool cannot_send() const { return ((shut & ShutSend) | (peer_shut & ShutReceive)) != 0; }

    State state = State::Free;
    bool held = false;      ///< by a socket, an accept queue or a server: is not free when it has ended
    bool owns_port = false; ///< bind() gave it the port
    uint8_t pending = 0;
    uint8_t shut = 0;      ///< by this side
    uint8_t peer_shut = 0; ///< by the peer, from its view
    bool starved = false;  ///< somebody wants to send and has no credit
    std::optional<base::Error> error;
    uint32_t local_port = 0;
    uint32_t peer_cid = 0;
    uint32_t peer_port = 0;
    SendCredit send_credit;
    ReceiveCredit receive_credit;
    ReceiveBuffer buffer;
    sched::Deadline deadline = sched::no_deadline; ///< of Connecting and Closing
    PortServer* server = nullptr;                  ///< told of events instead of `event`

    // Listening
    QueueLink accept_link;
    EndpointQueue<&Endpoint::accept_link> waiting; ///< to be accepted
    unsigned waiting_count = 0;
    unsigned backlog = 0;

    QueueLink pending_link;
    QueueLink event_link;
    QueueLink room_link;
    Endpoint* connection_next = nullptr; // the table's
    Endpoint* owner_next = nullptr;
    Endpoint* free_next = nullptr;

    sched::Event event;
};

template <QueueLink Endpoint::* Link>
void EndpointQueue<Link>::push(Endpoint& endpoint) {
    auto& link = endpoint.*Link;
    if (std::exchange(link.queued, true))
        return;
    link.next = nullptr;
    if (m_last != nullptr)
        (m_last->*Link).next = &endpoint;
    else
        m_first = &endpoint;
    m_last = &endpoint;
}

template <QueueLink Endpoint::* Link>
Endpoint* EndpointQueue<Link>::pop() {
    auto* endpoint = m_first;
    if (endpoint == nullptr)
        return nullptr;
    auto& link = endpoint->*Link;
    m_first = link.next;
    if (m_first == nullptr)
        m_last = nullptr;
    link = {};
    return endpoint;
}

} // namespace vsock
