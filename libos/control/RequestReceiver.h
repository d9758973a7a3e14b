#pragma once
// RequestReceiver: collects what a host sends on a control channel into whole requests. Bytes in, requests out: no I/O,
// no allocation.

#include "libos/base/Result.h"
#include "probes/wire/Channel.h"

#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>

namespace control {

inline constexpr size_t max_request = 1024;

class RequestReceiver {
public:
    void reset() { m_size = 0; }
    /// Where the next bytes go; never empty after take_frames(). Then tell how many there are.
    std::span<std::byte> room() { return std::span(m_buffer).subspan(m_size); }
    void add(size_t count) { m_size += count; }

    /// Calls `handle(header, body)` for each whole frame. False: the stream makes no sense from there on.
    template <typename Handle>
    bool take_frames(Handle handle) {
        size_t at = 0;
        while (m_size - at >= sizeof(wire::FrameHeader)) {
            wire::FrameHeader header_untrusted;
            std::memcpy(&header_untrusted, m_buffer + at, sizeof(header_untrusted));
            if (header_untrusted.magic != wire::frame_magic || header_untrusted.version != wire::channel_version ||
                header_untrusted.length > max_request)
                return false;
            size_t whole = sizeof(header_untrusted) + header_untrusted.length;
            if (m_size - at < whole)
                break;
            handle(header_untrusted,
                   std::span<const std::byte>(m_buffer + at + sizeof(header_untrusted), header_untrusted.length));
            at += whole;
        }
        std::memmove(m_buffer, m_buffer + at, m_size - at);
        m_size -= at;
        return true;
    }

private:
    std::byte m_buffer[sizeof(wire::FrameHeader) + max_request] = {};
    size_t m_size = 0;
};

struct ProbeChoice {
    bool enable = false;
    std::string_view pattern; ///< in the body
};

/// The body of a ProbeEnable request. Error::Invalid when it is none.
inline base::Result<ProbeChoice> parse_probe_choice(std::span<const std::byte> body_untrusted) {
    wire::ProbeEnableMessage message;
    if (body_untrusted.size() < sizeof(message))
        return base::fail(base::Error::Invalid);
    std::memcpy(&message, body_untrusted.data(), sizeof(message));
    if (message.pattern_length != body_untrusted.size() - sizeof(message))
        return base::fail(base::Error::Invalid);
    return ProbeChoice{
        message.enable != 0,
        {reinterpret_cast<const char*>(body_untrusted.data()) + sizeof(message), message.pattern_length}};
}

} // namespace control
