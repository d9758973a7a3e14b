#include "tracer/vsock/VhostUserSocket.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace tracer::vsock {

Result<> VhostUserSocket::keep_descriptors(const msghdr& message) {
    for (const cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
         part = CMSG_NXTHDR(const_cast<msghdr*>(&message), const_cast<cmsghdr*>(part))) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS)
            continue;
        const size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; ++i) {
            int descriptor = -1;
            std::memcpy(&descriptor, CMSG_DATA(part) + i * sizeof descriptor, sizeof descriptor);
            m_descriptors.emplace_back(descriptor);
        }
    }
    if ((message.msg_flags & MSG_CTRUNC) != 0 || m_descriptors.size() > max_regions)
        return fail(fmt::format("QEMU sent more descriptors with one message than {}, or this process may open no more",
                                max_regions),
                    "`ulimit -n` shows how many descriptors may be open.");
    return {};
}

Result<bool> VhostUserSocket::fill(size_t size) {
    while (m_filled < size) {
        alignas(cmsghdr) std::array<char, CMSG_SPACE(max_regions * sizeof(int))> control;
        iovec part{m_bytes.data() + m_filled, size - m_filled};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        const ssize_t received = recvmsg(m_socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (received > 0) {
            TRY(keep_descriptors(message));
            m_filled += static_cast<size_t>(received);
        } else if (received == 0 || errno == ECONNRESET) {
            m_ended = true;
            return false;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK)
            return false;
        else if (errno != EINTR)
            return fail_errno("cannot read from the vhost-user socket", errno);
    }
    return true;
}

Result<std::optional<VhostUserSocket::Received>> VhostUserSocket::receive() {
    MessageHeader header;
    if (!TRY(fill(sizeof header)))
        return std::nullopt;
    std::memcpy(&header, m_bytes.data(), sizeof header);
    TRY(check_header(header));
    if (!TRY(fill(sizeof header + header.size)))
        return std::nullopt;
    m_filled = 0;
    const std::span payload(m_bytes.data() + sizeof header, header.size);
    return Received{header, TRY(decode(header, payload, std::exchange(m_descriptors, {})))};
}

Result<> VhostUserSocket::reply(const MessageHeader& request, std::span<const uint8_t> payload) {
    const MessageHeader header{request.request, MessageHeader::version | MessageHeader::reply_flag,
                               static_cast<uint32_t>(payload.size())};
    std::array<uint8_t, sizeof(MessageHeader) + max_payload_size> bytes;
    std::memcpy(bytes.data(), &header, sizeof header);
    std::memcpy(bytes.data() + sizeof header, payload.data(), payload.size());
    const size_t size = sizeof header + payload.size();
    ssize_t sent = 0;
    do
        sent = send(m_socket, bytes.data(), size, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent == static_cast<ssize_t>(size))
        return {};
    if (sent >= 0 || errno == EAGAIN || errno == EWOULDBLOCK)
        return fail("QEMU sends vhost-user messages and does not read the replies");
    if (errno == EPIPE || errno == ECONNRESET)
        return {}; // the next receive() sees the end
    return fail_errno("cannot write to the vhost-user socket", errno);
}

} // namespace tracer::vsock
