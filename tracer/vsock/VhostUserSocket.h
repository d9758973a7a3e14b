#pragma once
// VhostUserSocket: vhost-user messages over a connected Unix socket, without ever blocking.

#include "tracer/vsock/VhostUserMessage.h"

#include <array>
#include <optional>

#include <sys/socket.h>

namespace tracer::vsock {

/// Owns the socket, the part of a message that has arrived, and its descriptors. Reads no further than the message that
/// is being read, so a descriptor never gets into its neighbour. After an error the socket is to be closed.
class VhostUserSocket {
public:
    explicit VhostUserSocket(int socket)
        : m_socket(socket) {}

    struct Received {
        MessageHeader header;
        Command command;
    };
    /// The next whole message; nothing when more has to arrive, or when has_ended().
    Result<std::optional<Received>> receive();
    /// The front-end has closed its end.
    bool has_ended() const { return m_ended; }

    /// Answers `request`. An error when the front-end does not read: a reply is small, so its buffer is full of others.
    Result<> reply(const MessageHeader& request, std::span<const uint8_t> payload);

private:
    /// Reads on until `m_filled` is `size`; false when that has to wait.
    Result<bool> fill(size_t size);
    Result<> keep_descriptors(const msghdr& message);

    int m_socket; ///< its owner closes it
    std::array<uint8_t, sizeof(MessageHeader) + max_payload_size> m_bytes{};
    size_t m_filled = 0;
    std::vector<FileDescriptor> m_descriptors;
    bool m_ended = false;
};

} // namespace tracer::vsock
