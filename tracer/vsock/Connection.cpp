#include "tracer/vsock/Connection.h"

#include <fmt/format.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

namespace tracer::vsock {

namespace {

/// Buffers that one read fills at most.
constexpr size_t max_burst = 16;

/// recvmsg() or sendmsg() that neither blocks nor raises SIGPIPE, of at most IOV_MAX pieces.
template <typename Call>
ssize_t transfer(Call call, int socket, Parts parts) {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(parts.data());
    message.msg_iovlen = std::min<size_t>(parts.size(), IOV_MAX);
    ssize_t done = 0;
    do
        done = call(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (done < 0 && errno == EINTR);
    return done;
}

bool would_block(int error) {
    return error == EAGAIN || error == EWOULDBLOCK;
}

} // namespace

Connection::Connection(asio::io_context& loop, ConnectionOwner& owner, FileDescriptor stream, const Setup& setup)
    : m_setup(setup)
    , m_owner(owner)
    , m_stream(loop, std::move(stream),
               {.on_readable =
                    [this] {
                        m_readable = true;
                        m_owner.connection_changed(*this);
                    },
                .on_writable =
                    [this] {
                        flush();
                        m_owner.connection_changed(*this);
                    },
                .on_hangup =
                    [this] {
                        host_gone();
                        m_owner.connection_changed(*this);
                    },
                .on_unusable =
                    [this] {
                        m_host_ended = true;
                        host_gone();
                        m_owner.connection_changed(*this);
                    }})
    , m_open(setup.by_guest)
    , m_pending(setup.buffer_size)
    , m_says_request(!setup.by_guest)
    , m_says_response(setup.by_guest) {
    setsockopt(m_stream.get(), SOL_SOCKET, SO_SNDBUF, &setup.socket_buffer, sizeof setup.socket_buffer);
    if (m_open)
        m_stream.await_readable();
    else
        m_stream.await_hangup();
}

// --- From the guest ---

void Connection::hear_credit(const PacketHeader& header) {
    m_guest_buffer = header.buffer_size;
    m_guest_forwarded = header.forwarded;
    // An answer that gives nothing is not asked for again at once: room is told of, or asked for by the clock.
    if (credit() != 0)
        m_credit_asked = false;
}

bool Connection::opened() {
    m_open = true;
    m_stream.await_readable();
    if (!m_setup.ok_line)
        return true;
    const std::string line = fmt::format("OK {}\n", m_setup.key.host_port);
    iovec part{const_cast<char*>(line.data()), line.size()};
    return transfer(sendmsg, m_stream.get(), {&part, 1}) == static_cast<ssize_t>(line.size());
}

bool Connection::may_receive(size_t size) const {
    return m_open && (m_guest_shutdown & shutdown_send) == 0 && size <= m_pending.capacity() - m_pending.size();
}

void Connection::write(Parts payload, size_t size) {
    if (m_host_deaf) {
        forwarded(size);
        return;
    }
    size_t done = 0;
    while (m_pending.is_empty() && done < size) {
        m_parts.clear();
        append_slice(m_parts, payload, done, size - done);
        const ssize_t sent = transfer(sendmsg, m_stream.get(), m_parts);
        if (sent < 0 && !would_block(errno)) {
            stop_writing();
            forwarded(size);
            return;
        }
        if (sent <= 0)
            break;
        done += static_cast<size_t>(sent);
        if (m_parts.size() <= IOV_MAX)
            break; // what it did not take is too much for it
    }
    if (done < size) {
        m_parts.clear();
        append_slice(m_parts, payload, done, size - done);
        m_pending.append(m_parts);
        m_stream.await_writable();
    }
    forwarded(done);
}

void Connection::flush() {
    while (!m_pending.is_empty()) {
        const ssize_t sent = transfer(sendmsg, m_stream.get(), m_pending.parts());
        if (sent < 0 && !would_block(errno)) {
            stop_writing();
            return;
        }
        if (sent <= 0) {
            m_stream.await_writable();
            return;
        }
        m_pending.consume(static_cast<size_t>(sent));
        forwarded(static_cast<size_t>(sent));
    }
    if ((m_guest_shutdown & shutdown_send) != 0 && !std::exchange(m_write_shut, true))
        shutdown(m_stream.get(), SHUT_WR);
}

void Connection::forwarded(size_t size) {
    m_forwarded += static_cast<uint32_t>(size);
    // A guest that waits for room hears of it, one that does not is not woken for every packet.
    if (m_forwarded - m_announced >= m_setup.buffer_size / 4)
        m_says_credit = true;
}

void Connection::stop_writing() {
    m_host_deaf = true;
    m_shutdown_wanted |= shutdown_receive;
    const size_t dropped = m_pending.size();
    m_pending.release();
    forwarded(dropped);
}

void Connection::guest_shuts(uint32_t flags) {
    const uint32_t before = m_guest_shutdown;
    m_guest_shutdown |= flags & shutdown_both;
    if ((m_guest_shutdown & ~before & shutdown_receive) != 0) {
        shutdown(m_stream.get(), SHUT_RD);
        m_stream.await_hangup();
    }
    if (m_pending.is_empty())
        flush();
}

void Connection::detach() {
    m_detached = true;
    if (m_host_deaf)
        m_pending.release();
}

// --- From the host ---

void Connection::host_ended() {
    m_host_ended = true;
    m_shutdown_wanted |= shutdown_send;
    // A peer that closed its socket differs from one that is done sending.
    pollfd entry{m_stream.get(), 0, 0};
    if (poll(&entry, 1, 0) > 0 && (entry.revents & (POLLHUP | POLLERR)) != 0)
        host_gone();
    else
        m_stream.await_hangup();
}

void Connection::host_gone() {
    m_host_gone = true;
    if (!m_open)
        return;
    if (m_host_ended || (m_guest_shutdown & shutdown_receive) != 0) {
        m_host_ended = true;
        stop_writing();
        m_shutdown_wanted = shutdown_both;
    } else {
        m_readable = true; // its last bytes, and then its end
    }
}

// --- To the guest ---

uint32_t Connection::credit() const {
    const uint32_t in_flight = m_sent - m_guest_forwarded;
    return in_flight < m_guest_buffer ? m_guest_buffer - in_flight : 0;
}

bool Connection::can_read() const {
    return m_readable && m_open && !m_host_ended && (m_guest_shutdown & shutdown_receive) == 0 && credit() != 0;
}

bool Connection::has_output() const {
    if (m_detached)
        return false;
    return m_says_request || m_says_response || m_says_credit || m_asks_credit ||
           (m_shutdown_wanted & ~m_shutdown_said) != 0 || can_read() || (is_stalled() && !m_credit_asked);
}

void Connection::put(GuestBuffer& buffer, Operation operation, uint32_t length, uint32_t flags) {
    const PacketHeader header{host_cid,
                              m_setup.guest_cid,
                              m_setup.key.host_port,
                              m_setup.key.guest_port,
                              length,
                              stream_type,
                              static_cast<uint16_t>(operation),
                              flags,
                              m_setup.buffer_size,
                              m_forwarded};
    copy_to_parts(buffer.parts, &header, sizeof header);
    buffer.written = static_cast<uint32_t>(sizeof header) + length;
    m_announced = m_forwarded;
    m_says_credit = false;
}

size_t Connection::produce(std::span<GuestBuffer> buffers) {
    if (m_detached)
        return 0;
    if (std::exchange(m_says_request, false)) {
        put(buffers[0], Operation::Request);
        return 1;
    }
    if (std::exchange(m_says_response, false)) {
        put(buffers[0], Operation::Response);
        return 1;
    }
    if (can_read())
        if (const size_t used = read(buffers); used != 0)
            return used;
    if ((m_shutdown_wanted & ~m_shutdown_said) != 0) {
        m_shutdown_said |= m_shutdown_wanted;
        put(buffers[0], Operation::Shutdown, 0, m_shutdown_said);
        return 1;
    }
    if (std::exchange(m_asks_credit, false) || (is_stalled() && !m_credit_asked)) {
        m_credit_asked = true;
        put(buffers[0], Operation::CreditRequest);
        return 1;
    }
    if (m_says_credit) {
        put(buffers[0], Operation::CreditUpdate);
        return 1;
    }
    return 0;
}

size_t Connection::read(std::span<GuestBuffer> buffers) {
    m_parts.clear();
    size_t wanted = 0;
    for (const GuestBuffer& buffer : buffers.first(std::min(buffers.size(), m_burst)))
        wanted += append_slice(m_parts, buffer.parts, sizeof(PacketHeader),
                               std::min(buffer.size - sizeof(PacketHeader), credit() - wanted));
    if (m_parts.size() > IOV_MAX) {
        m_parts.resize(IOV_MAX);
        wanted = total_size(m_parts);
    }
    const ssize_t received = transfer(recvmsg, m_stream.get(), m_parts);
    if (received <= 0) {
        if (received < 0 && would_block(errno)) {
            m_readable = false;
            m_burst = 1;
            m_stream.await_readable();
        } else
            host_ended();
        return 0;
    }
    const auto size = static_cast<size_t>(received);
    if (size < wanted) {
        m_readable = false;
        m_burst = 1;
        m_stream.await_readable();
    } else
        m_burst = std::min(2 * m_burst, max_burst);
    return distribute(buffers, size);
}

size_t Connection::distribute(std::span<GuestBuffer> buffers, size_t size) {
    size_t used = 0;
    while (size != 0) {
        GuestBuffer& buffer = buffers[used++];
        const size_t portion = std::min(size, buffer.size - sizeof(PacketHeader));
        m_sent += static_cast<uint32_t>(portion);
        put(buffer, Operation::ReadWrite, static_cast<uint32_t>(portion));
        size -= portion;
    }
    return used;
}

} // namespace tracer::vsock
