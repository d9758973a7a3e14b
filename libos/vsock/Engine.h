#pragma once
// Engine: the vsock protocol over one device: connections, their states and credit (Virtual I/O Device 1.2, section
// 5.10.6). Sockets of the app and channels of the kernel stand on it.
//
// One lock guards it all, a NoStopLock: the debugger stops no CPU that has it, and its own channel may go through here.
// So nothing else is waited for under it, no memory is allocated and nobody is woken: what happened to whom is queued,
// and told by deliver() afterwards, in the stopped world when it has gone on.
//
// What arrives is copied at once from the device's buffers into its connection's, which is as large as the credit that
// the peer was given; who does not keep to it loses the connection. So the device's buffers are always free again at
// the end of a round, and a connection that nobody reads holds up no other.
//
// Packets of the protocol itself that find no room wait as flags of their endpoint, or in a short queue for what has
// none: nothing that the peer can do makes this side need more memory. The last few places in the device are theirs.

#include "libos/drivers/SocketDevice.h"
#include "libos/sched/SpinLock.h"
#include "libos/vsock/SendPool.h"
#include "libos/vsock/Table.h"

#include <atomic>

namespace vsock {

class Engine;

/// Has one port to itself and takes the host's connections to it, one at a time. All but deliver() are called under
/// the lock.
class PortServer {
public:
    virtual uint32_t port() const = 0;
    /// The host wants to connect. The endpoint for that, with its buffer, or nullptr: refused.
    virtual Endpoint* take_request() = 0;
    /// The connection of its endpoint is gone.
    virtual void ended() = 0;
    /// There may be room or credit: sends on what waits for it.
    virtual void advance() = 0;
    /// Something happened to its endpoint. Without the lock, in interrupt or thread context.
    virtual void deliver() = 0;
    virtual Endpoint& endpoint() = 0;

protected:
    constexpr PortServer() = default;
    ~PortServer() = default;

private:
    friend class Engine;
    PortServer* m_next = nullptr;
};

class Engine {
public:
    struct Configuration {
        uint32_t max_endpoints =
            1024; ///< of sockets: connections, ports and ends of both that the peer has not confirmed
        uint32_t first_port = 1u << 30; ///< of those that are given out to who asks for any
        uint64_t (*now)() = nullptr;    ///< nanoseconds, on the clock of sched::Deadline
        /// Called without the lock after something happened to sockets; nullptr: nobody polls.
        void (*readiness_changed)() = nullptr;
    };

    /// How long the peer may take to confirm a closed connection.
    static constexpr uint64_t close_timeout_ns = 8'000'000'000;

    /// Both outlive the engine.
    Engine(drivers::SocketDevice& device, memory::PageAllocator& pages, const Configuration& configuration)
        : m_device(device)
        , m_pages(pages)
        , m_configuration(configuration)
        , m_next_port(configuration.first_port) {}
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    /// Once, in thread context: memory, and the device's first round. Error::NoMemory.
    base::Result<> start();
    /// Before or after start(), once each; servers are for ever.
    void add_server(PortServer& server);

    /// How many more endpoints there may be; others may take them meanwhile.
    uint32_t free_endpoints();
    uint64_t local_cid() const { return m_device.local_cid(); }
    memory::PageAllocator& pages() { return m_pages; }
    bool needs_polling() const { return m_device.needs_polling(); }

    /// What the device's interrupt does: takes all there is, answers it, tells who wants to know. Interrupt or thread
    /// context.
    void service();
    /// The leader of the stopped world: the same, but nobody is told. Error::Busy: a CPU that did not stop is at it.
    base::Result<> poll_stopped();

    // --- For sockets (StreamSocket), in thread context. Each takes the lock; `endpoint` is one that bind() or accept()
    // gave, until close().

    /// An endpoint with that port, or with any_port one of its own. Error::AddressInUse, Error::AddressNotAvailable
    /// when no port is left, Error::NoBuffers when the table is full.
    base::Result<Endpoint*> bind(uint32_t port);
    /// Error::Invalid for an endpoint that is or was connected.
    base::Result<> listen(Endpoint& endpoint, unsigned backlog);
    /// The next connection, which has no credit yet: grant() has to follow. nullptr when there is none.
    Endpoint* accept(Endpoint& listener);
    void grant(Endpoint& endpoint, ReceiveBuffer&& buffer);

    /// Sends the request; `endpoint.event` says when there is an answer. Error::IsConnected, Error::Already,
    /// Error::Invalid for a listener, Error::AddressInUse for a connection that there is already.
    base::Result<> connect(Endpoint& endpoint, uint32_t peer_cid, uint32_t peer_port, ReceiveBuffer&& buffer);
    /// A connect() that is still not answered then fails with Error::TimedOut.
    void limit_connect(Endpoint& endpoint, sched::Deadline deadline);
    /// Whoever waited for connect() does no longer. Nothing if it has been answered.
    void abandon_connect(Endpoint& endpoint, base::Error error);

    /// `directions` of Shut. Error::NotConnected.
    base::Result<> shut_down(Endpoint& endpoint, uint8_t directions);
    /// Gives the endpoint up, whatever its state.
    void close(Endpoint& endpoint);

    struct Status {
        Endpoint::State state;
        uint8_t shut;
        uint8_t peer_shut;
        bool has_error;
        bool can_send; ///< if not, `endpoint.event` says when
        uint32_t local_port;
        uint32_t peer_cid;
        uint32_t peer_port;
        uint32_t received;
        unsigned waiting; ///< to be accepted
    };
    Status status(Endpoint& endpoint);
    /// The error that ended a connection or an attempt, once.
    std::optional<base::Error> take_error(Endpoint& endpoint);

    struct Received {
        uint64_t position; ///< for endpoint.buffer.run_at()
        size_t length;
        bool at_end; ///< no more will come
    };
    /// One reader at a time. Error::NotConnected for an endpoint that never was.
    base::Result<Received> received(Endpoint& endpoint);
    void consume(Endpoint& endpoint, size_t count);

    struct Reservation {
        SendBuffer* buffer;
        uint32_t size;
    };
    /// Memory for the next bytes to send, at most `wanted`, for finish_send(). One writer at a time. Error::Again
    /// without credit or room: `endpoint.event` says when to try again. Error::BrokenPipe, Error::NotConnected.
    base::Result<Reservation> begin_send(Endpoint& endpoint, size_t wanted);
    /// Sends the first `length` bytes of it, 0 for none.
    void finish_send(Endpoint& endpoint, const Reservation& reservation, uint32_t length);

    // --- For the thread that keeps time.

    /// When expire() is to be called next. `timer_event` tells when that became earlier.
    sched::Deadline next_deadline();
    void expire();
    sched::Event timer_event;

    // --- For servers, under lock() or in the stopped world.

    sched::NoStopLock& lock() { return m_lock; }
    /// Tells a server's deliver() what happened.
    void post_event(Endpoint& endpoint) { m_events.push(endpoint); }
    /// Packets with payload that may be sent now.
    size_t data_room() const;
    /// One packet of at most max_payload bytes, for which there are room and credit.
    base::Result<> send_data(Endpoint& endpoint, memory::PhysicalAddress address, uint32_t length, Payload& payload);
    void want_credit(Endpoint& endpoint);
    /// The endpoint gets an event when there may be room again. False: something came back just now, try again first.
    [[nodiscard]] bool want_room(Endpoint& endpoint);
    /// Takes back what the device is done with. Whether there was anything.
    bool reclaim();
    /// Payloads with somebody who waits for them: the device's interrupt comes when one is done.
    void await_payload();
    void payload_told() { --m_awaited_payloads; }
    /// After consuming: tells the peer if that is worth it.
    void update_credit(Endpoint& endpoint);
    /// Sends what waits and notifies the device.
    void flush();
    /// One round: takes a bounded number of packets. True: there may be more.
    bool work();
    bool is_broken() const { return m_device.is_broken(); }
    /// Grows with each packet that the device has taken.
    uint64_t completed_packets() const { return m_completed_packets; }

    struct Counters {
        uint32_t refused_full = 0;   ///< connections: table or backlog full
        uint32_t violations = 0;     ///< connections that were reset because the peer broke the protocol
        uint32_t dropped_resets = 0; ///< answers that found no room; the next packet there gets another
    };
    const Counters& counters() const { return m_counters; }

private:
    friend class Section;

    static constexpr unsigned packets_per_round = 16;
    static constexpr size_t control_room = 8; // places in the device that data leaves free
    static constexpr unsigned max_resets = 64;

    struct Address { // of a connection that this side does not know
        uint64_t local_cid;
        uint64_t peer_cid;
        uint32_t local_port;
        uint32_t peer_port;
        uint16_t type;
    };

    // All with the lock held, or in the stopped world.
    void receive(const drivers::SocketDevice::Packet& packet_untrusted);
    void on_request(const SocketPacketHeader& header_untrusted);
    void on_connecting(Endpoint& endpoint, const SocketPacketHeader& header_untrusted);
    void on_established(Endpoint& endpoint, const drivers::SocketDevice::Packet& packet_untrusted);
    void on_data(Endpoint& endpoint, const drivers::SocketDevice::Packet& packet_untrusted);
    void on_closing(Endpoint& endpoint, const SocketPacketHeader& header_untrusted);
    void establish(Endpoint& endpoint, const SocketPacketHeader& header_untrusted);
    void learn_credit(Endpoint& endpoint, const SocketPacketHeader& header_untrusted);
    /// The connection is over for the peer, and so for this side.
    void end(Endpoint& endpoint, std::optional<base::Error> error);
    void violate(Endpoint& endpoint);
    void end_all(base::Error error);
    void refuse(const SocketPacketHeader& header_untrusted);
    void send_reset(const Endpoint& endpoint);
    void queue_reset(const Address& address);
    void release(Endpoint& endpoint);
    void set_deadline(Endpoint& endpoint, sched::Deadline deadline);
    bool flush_resets();
    bool send_pending(Endpoint& endpoint);
    void add_pending(Endpoint& endpoint, uint8_t pending);
    base::Result<> send(Endpoint& endpoint, Operation operation, uint32_t flags = 0);
    SocketPacketHeader header_for(Endpoint& endpoint, Operation operation);
    PortServer* server_at(uint32_t port) const;
    bool wants_sent() const;

    /// Without the lock: tells who is in m_events.
    void deliver();
    static void on_device_event(void* self) { static_cast<Engine*>(self)->service(); }

    drivers::SocketDevice& m_device;
    memory::PageAllocator& m_pages;
    const Configuration m_configuration;
    sched::NoStopLock m_lock;
    Table m_table;
    SendPool m_pool;
    PortServer* m_servers = nullptr;
    uint32_t m_next_port;
    size_t m_reserved = 0; // places in the device for packets between begin_send() and finish_send()
    EndpointQueue<&Endpoint::pending_link> m_pending;
    EndpointQueue<&Endpoint::event_link> m_events;
    EndpointQueue<&Endpoint::room_link> m_room; // who waits for it
    Address m_resets[max_resets] = {};
    unsigned m_awaited_payloads = 0;
    uint64_t m_completed_packets = 0;
    unsigned m_first_reset = 0;
    unsigned m_reset_count = 0;
    sched::Deadline m_next_deadline = sched::no_deadline;
    bool m_deadline_moved = false;
    bool m_started = false;
    bool m_was_broken = false;
    Counters m_counters;
};

} // namespace vsock
