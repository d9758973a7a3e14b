#pragma once
// PacketEngine: all vsock connections of one guest. It knows packets and Unix sockets, and nothing of rings.
// Virtual I/O Device 1.2, 5.10.6 "Device Operation".
//
// Bounded: connections by their number, what slow host readers leave behind by a pool of bytes, answers to packets of
// unknown connections by max_resets, beyond which accepts() asks for no more packets until the guest takes some.

#include "tracer/Result.h"
#include "tracer/vsock/Connection.h"

#include <asio/steady_timer.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <unordered_map>

namespace tracer::vsock {

struct EngineLimits {
    size_t connections = 512;
    /// Bytes that a connection may have pending, which is the credit that the guest gets: `buffer` while the pool is
    /// far from empty, then less, and at least `min_buffer` even if it is empty.
    uint32_t buffer = 1 << 20;
    uint32_t min_buffer = 16 << 10;
    size_t pool = 64u << 20;
    /// Bytes that the kernel is asked to keep for a reader besides; net.core.wmem_max may cut them. Room for several
    /// packets at once saves as many turns between guest and reader.
    int socket_buffer = 1 << 20;
    std::chrono::milliseconds tick{1000};
    /// For the guest to answer a Request.
    std::chrono::milliseconds answer{10'000};
    /// For the guest to confirm that both directions ended, once it has taken every byte.
    std::chrono::milliseconds linger{8'000};
    /// For a slow host reader to take a next part of what a guest left that has gone on.
    std::chrono::milliseconds drain{30'000};
};

struct EngineCounts {
    uint64_t opened_by_host = 0;
    uint64_t opened_by_guest = 0;
    uint64_t refused = 0;   ///< Requests of either side that led to no connection
    uint64_t misplaced = 0; ///< packets with other context ids, or of unknown connections
    uint64_t violations = 0;
    uint64_t bytes_to_host = 0;
    uint64_t bytes_to_guest = 0;
};

/// On the event loop's thread. Hooks and callbacks must not destroy it.
class PacketEngine final : ConnectionOwner {
public:
    struct Hooks {
        /// There is something for the guest: wanted_buffers() is not 0.
        std::function<void()> on_output;
        /// A connected socket for the guest's connection to a port of the host; an error refuses it.
        std::function<Result<FileDescriptor>(uint32_t port)> open_host;
    };
    /// The guest's answer: the host's port number, or why there is no connection. Runs from the loop.
    using OnAnswer = std::function<void(const Result<uint32_t>&)>;

    PacketEngine(asio::io_context& loop, uint64_t guest_cid, Hooks hooks, EngineLimits limits = {});
    ~PacketEngine();

    /// Asks the guest for a connection to one of its ports, which then is joined to `stream`, a connected Unix socket
    /// of the host. `ok_line`: "OK <port>\n" is written to it first.
    void connect(uint32_t guest_port, FileDescriptor stream, bool ok_line, OnAnswer on_answer);

    // The guest's side: packets come by receive(), a batch ends with flush(), and then its buffers may be given back.

    /// False: answers pile up that the guest does not take; packets are to wait in its queue.
    bool accepts() const { return m_resets.size() < max_resets; }
    /// One packet and what its buffer holds behind the header. `payload` stays where it is until flush().
    void receive(const PacketHeader& header_untrusted, Parts payload_untrusted);
    void flush();

    /// How many buffers produce() can use now; 0: there is nothing to say.
    size_t wanted_buffers();
    /// Fills buffers of the guest, from the first on; returns how many. It may be none.
    size_t produce(std::span<GuestBuffer> buffers);

    /// The guest has forgotten all connections. The host's ends get what is pending, and their end.
    void reset();

    size_t connection_count() const { return m_connections.size() + m_detached.size(); }
    const EngineCounts& counts() const { return m_counts; }

private:
    static constexpr size_t max_resets = 256;
    /// Pieces of payload that one write to a Unix socket gathers.
    static constexpr size_t max_gathered_parts = 512;

    struct KeyHash {
        size_t operator()(const ConnectionKey& key) const {
            return std::hash<uint64_t>()(uint64_t{key.host_port} << 32 | key.guest_port);
        }
    };
    struct Entry {
        std::unique_ptr<Connection> connection;
        OnAnswer on_answer;
    };
    using Table = std::unordered_map<ConnectionKey, Entry, KeyHash>;

    void connection_changed(Connection& connection) override;
    void guest_request(const PacketHeader& header);
    void packet_for(Table::iterator entry, const PacketHeader& header, Parts payload);
    void payload_for(Table::iterator entry, const PacketHeader& header, Parts payload);
    void guest_answered(Table::iterator entry);
    Connection& add(FileDescriptor stream, Connection::Setup setup, OnAnswer on_answer);
    void settle(Connection& connection);
    void take_turn(Connection& connection);
    void leave_turn(Connection& connection);
    /// Ends a connection for the guest; `tell`: by a Reset.
    void remove(Table::iterator entry, bool tell, std::string_view reason);
    void violation(Table::iterator entry);
    void reply_reset(const PacketHeader& header);
    void answer(Entry& entry, Result<uint32_t> result);
    void write_gathered();
    uint32_t take_buffer();
    void give_buffer_back(const Connection& connection);
    void forget_detached(const std::function<bool(const Connection&)>& which);
    Result<uint32_t> take_port(uint32_t guest_port);
    void start_clock();
    void tick();

    asio::io_context& m_loop;
    uint64_t m_guest_cid;
    Hooks m_hooks;
    EngineLimits m_limits;
    EngineCounts m_counts;
    Table m_connections;
    std::list<std::unique_ptr<Connection>> m_detached;
    std::list<Connection*> m_output; ///< those with has_output(), next one first
    std::deque<PacketHeader> m_resets;
    size_t m_lent = 0; ///< bytes of the pool
    uint32_t m_next_port;

    // Payload of one connection on its way into one write.
    Connection* m_gathering = nullptr;
    std::vector<iovec> m_gathered;
    size_t m_gathered_size = 0;

    asio::steady_timer m_clock;
    bool m_clock_runs = false;
    std::shared_ptr<void> m_alive; ///< what callbacks on their way through the loop look for
};

} // namespace tracer::vsock
