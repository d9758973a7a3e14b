#include "tracer/vsock/PacketEngine.h"

#include <asio/post.hpp>
#include <fmt/format.h>

namespace tracer::vsock {

namespace {

/// Ports that the host's connections get: above what anybody listens on.
constexpr uint32_t first_port = 1u << 30;
constexpr uint32_t last_port = 0xfffffffe;

Connection::Time now() {
    return std::chrono::steady_clock::now();
}

} // namespace

PacketEngine::PacketEngine(asio::io_context& loop, uint64_t guest_cid, Hooks hooks, EngineLimits limits)
    : m_loop(loop)
    , m_guest_cid(guest_cid)
    , m_hooks(std::move(hooks))
    , m_limits(limits)
    , m_next_port(first_port)
    , m_clock(loop)
    , m_alive(std::make_shared<char>()) {}

PacketEngine::~PacketEngine() {
    for (auto& [key, entry] : m_connections)
        answer(entry, fail("the device was taken away"));
}

// --- Connections come and go ---

uint32_t PacketEngine::take_buffer() {
    const size_t left = m_limits.pool - std::min(m_limits.pool, m_lent);
    const auto share = static_cast<uint32_t>(std::min<size_t>(left / 64, m_limits.buffer));
    const uint32_t size = std::max(share, m_limits.min_buffer);
    m_lent += size;
    return size;
}

void PacketEngine::give_buffer_back(const Connection& connection) {
    m_lent -= connection.buffer_size();
}

void PacketEngine::forget_detached(const std::function<bool(const Connection&)>& which) {
    std::erase_if(m_detached, [&](const auto& each) {
        if (!which(*each))
            return false;
        give_buffer_back(*each);
        return true;
    });
}

Result<uint32_t> PacketEngine::take_port(uint32_t guest_port) {
    for (size_t i = 0; i <= m_connections.size(); ++i) {
        const uint32_t port = m_next_port;
        m_next_port = port == last_port ? first_port : port + 1;
        if (!m_connections.contains({port, guest_port}))
            return port;
    }
    return fail("every port of the host is taken");
}

Connection& PacketEngine::add(FileDescriptor stream, Connection::Setup setup, OnAnswer on_answer) {
    setup.guest_cid = m_guest_cid;
    setup.buffer_size = take_buffer();
    setup.socket_buffer = m_limits.socket_buffer;
    auto connection =
        std::make_unique<Connection>(m_loop, static_cast<ConnectionOwner&>(*this), std::move(stream), setup);
    connection->since = now();
    Connection& added = *connection;
    m_connections.emplace(setup.key, Entry{std::move(connection), std::move(on_answer)});
    start_clock();
    return added;
}

void PacketEngine::connect(uint32_t guest_port, FileDescriptor stream, bool ok_line, OnAnswer on_answer) {
    auto port =
        connection_count() < m_limits.connections
            ? take_port(guest_port)
            : fail(fmt::format("{} connections with the guest are open, and no more can be", m_limits.connections));
    if (!port) {
        ++m_counts.refused;
        Entry refused{nullptr, std::move(on_answer)};
        answer(refused, std::move(port));
        return;
    }
    Connection& added = add(std::move(stream), {.key = {*port, guest_port}, .ok_line = ok_line}, std::move(on_answer));
    take_turn(added);
    m_hooks.on_output();
}

void PacketEngine::answer(Entry& entry, Result<uint32_t> result) {
    if (!entry.on_answer)
        return;
    asio::post(m_loop, [on_answer = std::exchange(entry.on_answer, nullptr), result = std::move(result)] {
        on_answer(result);
    });
}

void PacketEngine::remove(Table::iterator entry, bool tell, std::string_view reason) {
    auto& connection = entry->second.connection;
    if (m_gathering == connection.get())
        write_gathered();
    leave_turn(*connection);
    if (tell)
        m_resets.push_back({.source_cid = host_cid,
                            .destination_cid = m_guest_cid,
                            .source_port = connection->key().host_port,
                            .destination_port = connection->key().guest_port,
                            .operation = static_cast<uint16_t>(Operation::Reset)});
    if (!connection->is_open())
        ++m_counts.refused;
    answer(entry->second, fail(std::string(reason)));
    connection->detach();
    connection->since = now();
    if (connection->is_drained())
        give_buffer_back(*connection);
    else
        m_detached.push_back(std::move(connection));
    m_connections.erase(entry);
}

void PacketEngine::violation(Table::iterator entry) {
    ++m_counts.violations;
    remove(entry, true, "the guest broke the rules of a connection");
}

void PacketEngine::reset() {
    flush();
    m_resets.clear();
    while (!m_connections.empty())
        remove(m_connections.begin(), false, "the guest was reset");
    m_output.clear();
}

// --- Turns ---

void PacketEngine::take_turn(Connection& connection) {
    if (connection.has_turn || !connection.has_output())
        return;
    connection.turn = m_output.insert(m_output.end(), &connection);
    connection.has_turn = true;
}

void PacketEngine::leave_turn(Connection& connection) {
    if (std::exchange(connection.has_turn, false))
        m_output.erase(connection.turn);
}

/// After anything that may have changed what a connection wants. It may be gone afterwards.
void PacketEngine::settle(Connection& connection) {
    if (connection.is_over())
        remove(m_connections.find(connection.key()), true, "the guest closed it");
    else if (connection.is_abandoned())
        remove(m_connections.find(connection.key()), true, "the host's end was closed");
    else
        take_turn(connection);
}

void PacketEngine::connection_changed(Connection& connection) {
    if (connection.is_detached()) {
        if (connection.is_drained())
            forget_detached([&connection](const Connection& each) { return &each == &connection; });
        else
            connection.since = now(); // its reader is slow, and there
        return;
    }
    settle(connection);
    if (wanted_buffers() != 0)
        m_hooks.on_output();
}

// --- From the guest ---

void PacketEngine::reply_reset(const PacketHeader& header) {
    ++m_counts.misplaced;
    if (header.is(Operation::Reset))
        return;
    m_resets.push_back({.source_cid = header.destination_cid,
                        .destination_cid = m_guest_cid,
                        .source_port = header.destination_port,
                        .destination_port = header.source_port,
                        .type = header.type,
                        .operation = static_cast<uint16_t>(Operation::Reset)});
}

void PacketEngine::receive(const PacketHeader& header, Parts payload) {
    if (header.source_cid != m_guest_cid) {
        ++m_counts.misplaced; // whoever that is, it would not get the answer
        return;
    }
    if (header.destination_cid != host_cid || header.type != stream_type) {
        reply_reset(header);
        return;
    }
    const auto entry = m_connections.find({header.destination_port, header.source_port});
    if (entry != m_connections.end())
        packet_for(entry, header, payload);
    else if (header.is(Operation::Request))
        guest_request(header);
    else
        reply_reset(header);
}

void PacketEngine::guest_request(const PacketHeader& header) {
    auto stream = connection_count() < m_limits.connections ? m_hooks.open_host(header.destination_port)
                                                            : fail("no more connections");
    if (!stream) {
        ++m_counts.refused;
        reply_reset(header);
        return;
    }
    ++m_counts.opened_by_guest;
    Connection& added =
        add(std::move(*stream), {.key = {header.destination_port, header.source_port}, .by_guest = true}, nullptr);
    added.hear_credit(header);
    take_turn(added);
}

void PacketEngine::packet_for(Table::iterator entry, const PacketHeader& header, Parts payload) {
    Connection& connection = *entry->second.connection;
    connection.hear_credit(header);
    if (header.is(Operation::ReadWrite)) {
        payload_for(entry, header, payload);
        return;
    }
    flush();
    if (header.is(Operation::Reset)) {
        remove(entry, false, "the guest refused the connection");
        return;
    }
    if (header.is(Operation::Response) && !connection.is_open()) {
        guest_answered(entry);
        return;
    }
    if (!connection.is_open()) {
        violation(entry);
        return;
    }
    if (header.is(Operation::CreditRequest))
        connection.credit_requested();
    else if (header.is(Operation::Shutdown))
        connection.guest_shuts(header.flags);
    else if (!header.is(Operation::CreditUpdate)) {
        violation(entry);
        return;
    }
    settle(connection);
}

void PacketEngine::guest_answered(Table::iterator entry) {
    Connection& connection = *entry->second.connection;
    if (!connection.opened()) {
        remove(entry, true, "the host's end was closed");
        return;
    }
    ++m_counts.opened_by_host;
    answer(entry->second, connection.key().host_port);
    settle(connection);
}

void PacketEngine::payload_for(Table::iterator entry, const PacketHeader& header, Parts payload) {
    Connection& connection = *entry->second.connection;
    if (m_gathering != &connection || m_gathered.size() >= max_gathered_parts)
        flush();
    const size_t size = header.length;
    if (!connection.may_receive(m_gathered_size + size) || total_size(payload) < size) {
        violation(entry);
        return;
    }
    append_slice(m_gathered, payload, 0, size);
    m_gathering = &connection;
    m_gathered_size += size;
    m_counts.bytes_to_host += size;
}

void PacketEngine::write_gathered() {
    std::exchange(m_gathering, nullptr)->write(m_gathered, m_gathered_size);
    m_gathered.clear();
    m_gathered_size = 0;
}

void PacketEngine::flush() {
    Connection* connection = m_gathering;
    if (!connection)
        return;
    write_gathered();
    take_turn(*connection);
}

// --- To the guest ---

size_t PacketEngine::wanted_buffers() {
    if (!m_resets.empty())
        return m_resets.size();
    while (!m_output.empty()) {
        Connection& first = *m_output.front();
        if (first.has_output())
            return first.wanted_buffers();
        leave_turn(first);
    }
    return 0;
}

size_t PacketEngine::produce(std::span<GuestBuffer> buffers) {
    size_t used = 0;
    for (; used < buffers.size() && !m_resets.empty(); ++used) {
        copy_to_parts(buffers[used].parts, &m_resets.front(), sizeof(PacketHeader));
        buffers[used].written = sizeof(PacketHeader);
        m_resets.pop_front();
    }
    if (used != 0 || m_output.empty())
        return used;
    Connection& connection = *m_output.front();
    used = connection.produce(buffers);
    for (const GuestBuffer& buffer : buffers.first(used))
        m_counts.bytes_to_guest += buffer.written - sizeof(PacketHeader);
    // The next one's turn.
    leave_turn(connection);
    if (connection.is_lingering())
        connection.since = now();
    take_turn(connection);
    return used;
}

// --- Time ---

void PacketEngine::start_clock() {
    if (std::exchange(m_clock_runs, true))
        return;
    m_clock.expires_after(m_limits.tick);
    m_clock.async_wait([this, alive = std::weak_ptr(m_alive)](asio::error_code) {
        if (alive.expired())
            return;
        m_clock_runs = false;
        tick();
        if (connection_count() != 0)
            start_clock();
    });
}

void PacketEngine::tick() {
    const auto time = now();
    forget_detached([&](const Connection& each) { return time - each.since >= m_limits.drain; });
    for (auto next = m_connections.begin(); next != m_connections.end();) {
        const auto entry = next++;
        Connection& connection = *entry->second.connection;
        if (!connection.is_open()) {
            if (time - connection.since >= m_limits.answer)
                remove(entry, true, "the guest did not answer");
        } else if (connection.is_lingering()) {
            if (time - connection.since < m_limits.linger)
                continue;
            if (connection.was_all_taken()) {
                remove(entry, true, "the guest did not confirm the end");
                continue;
            }
            connection.since = time;
            connection.ask_credit();
            take_turn(connection);
        } else if (connection.is_stalled()) {
            connection.ask_credit();
            take_turn(connection);
        }
    }
    if (wanted_buffers() != 0)
        m_hooks.on_output();
}

} // namespace tracer::vsock
