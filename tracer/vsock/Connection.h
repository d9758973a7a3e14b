#pragma once
// Connection: one vsock stream between a port of the guest and a Unix socket of the host.
// Virtual I/O Device 1.2, 5.10.6.3 "Buffer Space Management" and 5.10.6.6 "Stream Sockets".
//
// Bytes move by one system call from guest memory into the Unix socket and from there into guest memory. Only what a
// slow host reader does not take at once is copied, into a buffer as large as the credit that the guest was given, so
// the guest's queue never waits for one reader. In the other direction nothing is read from the socket before the guest
// has both credit and a buffer for it: a fast host writer waits in its own send().

#include "tracer/vsock/PacketHeader.h"
#include "tracer/vsock/PendingBytes.h"
#include "tracer/vsock/Watch.h"

#include <chrono>
#include <list>
#include <span>
#include <vector>

namespace tracer::vsock {

struct ConnectionKey {
    uint32_t host_port = 0;
    uint32_t guest_port = 0;
    bool operator==(const ConnectionKey&) const = default;
};

/// A buffer that the guest has put into its rx queue: longer than a header.
struct GuestBuffer {
    Parts parts;
    size_t size = 0;      ///< bytes
    uint32_t written = 0; ///< of them; 0: not used
};

class Connection;

/// Hears that a connection can go on after something happened to its Unix socket. It may destroy the connection.
class ConnectionOwner {
public:
    virtual void connection_changed(Connection& connection) = 0;

protected:
    ~ConnectionOwner() = default;
};

/// Owns the host's end of a stream. On the event loop's thread; calls to its owner come from the loop only.
class Connection {
public:
    using Time = std::chrono::steady_clock::time_point;

    struct Setup {
        ConnectionKey key;
        uint64_t guest_cid = 0;
        uint32_t buffer_size = 0; ///< bytes of credit that the guest is given
        int socket_buffer = 0;    ///< EngineLimits::socket_buffer
        bool by_guest = false;    ///< the guest asked for it; else the host did, and the guest has to answer
        bool ok_line = false;     ///< the host's end reads "OK <port>\n" first
    };
    Connection(asio::io_context& loop, ConnectionOwner& owner, FileDescriptor stream, const Setup& setup);

    const ConnectionKey& key() const { return m_setup.key; }
    uint32_t buffer_size() const { return m_setup.buffer_size; }
    bool is_open() const { return m_open; }

    // From the guest.

    /// Takes the credit that every packet carries.
    void hear_credit(const PacketHeader& header_untrusted);
    /// The guest accepts. False when the host's end did not take its greeting.
    bool opened();
    /// Whether `size` more bytes are within the credit that the guest was given, and it has not said that it is done.
    bool may_receive(size_t size) const;
    /// `size` bytes of payload, at once into the Unix socket as far as that takes them.
    void write(Parts payload, size_t size);
    void guest_shuts(uint32_t flags_untrusted);
    void credit_requested() { m_says_credit = true; }

    // To the guest.

    bool has_output() const;
    /// How many buffers it could fill at once.
    size_t wanted_buffers() const { return can_read() ? m_burst : 1; }
    /// Fills buffers, from the first on; returns how many. None when the socket turns out to have nothing.
    size_t produce(std::span<GuestBuffer> buffers);

    // Its end.

    /// The guest has closed it and everything is written: it wants a Reset, which confirms that.
    bool is_over() const { return m_guest_shutdown == shutdown_both && m_pending.is_empty(); }
    /// The host's end vanished before the guest answered.
    bool is_abandoned() const { return !m_open && m_host_gone; }
    /// The host's end is gone and the guest knows it. Whether it also has taken every byte: was_all_taken().
    bool is_lingering() const { return m_shutdown_said == shutdown_both; }
    bool was_all_taken() const { return m_guest_forwarded == m_sent; }
    void ask_credit() { m_asks_credit = true; }
    bool is_stalled() const { return m_readable && !can_read() && m_open && !m_host_ended; }

    /// The guest is done with it, gracefully or not. What is pending is still written; is_drained() when it is.
    void detach();
    bool is_detached() const { return m_detached; }
    bool is_drained() const { return m_pending.is_empty(); }

    Time since{}; ///< the owner's: when the state began that it waits to end
    /// The owner's: where it stands in the list of those that have output.
    std::list<Connection*>::iterator turn;
    bool has_turn = false;

private:
    uint32_t credit() const;
    bool can_read() const;
    size_t read(std::span<GuestBuffer> buffers);
    size_t distribute(std::span<GuestBuffer> buffers, size_t size);
    void put(GuestBuffer& buffer, Operation operation, uint32_t length = 0, uint32_t flags = 0);
    void host_ended();
    void host_gone();
    void stop_writing();
    void flush();
    void forwarded(size_t size);

    Setup m_setup;
    ConnectionOwner& m_owner;
    Watch m_stream;
    bool m_open;
    bool m_detached = false;

    // Host to guest.
    uint32_t m_sent = 0;            // bytes, modulo 2^32, as all such counts
    uint32_t m_guest_buffer = 0;    // untrusted
    uint32_t m_guest_forwarded = 0; // untrusted
    bool m_readable = false;        ///< the socket has something, or has ended
    bool m_host_ended = false;      ///< nothing more comes out of the socket
    bool m_host_gone = false;       ///< nor goes in
    size_t m_burst = 1;             ///< buffers for the next read: more after each one that filled all
    std::vector<iovec> m_parts;     ///< of the read that is being prepared

    // Guest to host.
    PendingBytes m_pending;
    uint32_t m_forwarded = 0;
    uint32_t m_announced = 0; ///< of m_forwarded, to the guest
    bool m_host_deaf = false; ///< writing to the socket fails: what comes is dropped
    bool m_write_shut = false;
    uint32_t m_guest_shutdown = 0;

    // What it still has to say to the guest.
    bool m_says_request;
    bool m_says_response;
    bool m_says_credit = false;
    bool m_asks_credit = false;
    bool m_credit_asked = false; ///< and the answer has not come
    uint32_t m_shutdown_wanted = 0;
    uint32_t m_shutdown_said = 0;
};

} // namespace tracer::vsock
