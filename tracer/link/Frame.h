#pragma once
// Frames of the control, trace and crash channels (docs/channels.md), cut out of a byte stream and put into one.

#include "probes/wire/Channel.h"
#include "tracer/Result.h"

#include <cstring>
#include <optional>
#include <span>
#include <vector>

namespace tracer {

struct Frame {
    uint16_t type = 0;
    uint32_t request = 0;
    std::vector<uint8_t> body;

    bool is(wire::FrameType wanted) const { return type == static_cast<uint16_t>(wanted); }

    /// The body's first bytes as a message; nothing when the body is shorter. Newer senders may append to a message.
    template <typename Message>
    std::optional<Message> as() const {
        if (body.size() < sizeof(Message))
            return std::nullopt;
        Message message;
        std::memcpy(&message, body.data(), sizeof message);
        return message;
    }
};

/// Bytes are pushed in as they arrive; whole frames come out. Keeps what next() has not taken.
class FrameDecoder {
public:
    void push(std::span<const uint8_t> bytes);

    /// The next whole frame; nothing when more bytes are needed; an error when the stream is no frame stream, after
    /// which it stays broken and the channel is to be closed.
    Result<std::optional<Frame>> next();

    /// Bytes of an incomplete frame, or of frames that next() has not taken yet.
    size_t pending() const { return m_bytes.size() - m_start; }

private:
    std::vector<uint8_t> m_bytes;
    size_t m_start = 0;
    bool m_broken = false;
};

/// One frame ready to send. `body` must not be longer than wire::max_frame_length.
std::vector<uint8_t> encode_frame(wire::FrameType type, uint32_t request, std::span<const uint8_t> body = {});
std::vector<uint8_t> encode_frame(const Frame& frame);

template <typename Message>
std::span<const uint8_t> bytes_of(const Message& message) {
    return {reinterpret_cast<const uint8_t*>(&message), sizeof message};
}

} // namespace tracer
