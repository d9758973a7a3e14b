#include "tracer/link/Frame.h"

#include <string>

namespace tracer {

void FrameDecoder::push(std::span<const uint8_t> bytes) {
    if (m_start > 0 && m_start >= m_bytes.size() / 2) {
        m_bytes.erase(m_bytes.begin(), m_bytes.begin() + static_cast<ptrdiff_t>(m_start));
        m_start = 0;
    }
    m_bytes.insert(m_bytes.end(), bytes.begin(), bytes.end());
}

Result<std::optional<Frame>> FrameDecoder::next() {
    if (m_broken)
        return fail("the channel is out of step");
    if (pending() < sizeof(wire::FrameHeader))
        return std::nullopt;
    wire::FrameHeader header_untrusted;
    std::memcpy(&header_untrusted, m_bytes.data() + m_start, sizeof header_untrusted);
    m_broken = true;
    if (header_untrusted.magic != wire::frame_magic)
        return fail("the channel carries something else than frames");
    if (header_untrusted.version != wire::channel_version)
        return fail("the image speaks version " + std::to_string(header_untrusted.version) +
                        " of the channels, this tool version " + std::to_string(wire::channel_version),
                    "Use the tools of the release that the image was built with.");
    if (header_untrusted.length > wire::max_frame_length)
        return fail("a frame claims " + std::to_string(header_untrusted.length) + " bytes");
    m_broken = false;
    const size_t length = header_untrusted.length;
    if (pending() < sizeof header_untrusted + length)
        return std::nullopt;
    Frame frame{header_untrusted.type, header_untrusted.request, {}};
    const auto body = m_bytes.begin() + static_cast<ptrdiff_t>(m_start + sizeof header_untrusted);
    frame.body.assign(body, body + static_cast<ptrdiff_t>(length));
    m_start += sizeof header_untrusted + length;
    return frame;
}

std::vector<uint8_t> encode_frame(wire::FrameType type, uint32_t request, std::span<const uint8_t> body) {
    return encode_frame(Frame{static_cast<uint16_t>(type), request, {body.begin(), body.end()}});
}

std::vector<uint8_t> encode_frame(const Frame& frame) {
    const wire::FrameHeader header{wire::frame_magic, wire::channel_version, frame.type, frame.request,
                                   static_cast<uint32_t>(frame.body.size())};
    std::vector<uint8_t> bytes(sizeof header + frame.body.size());
    std::memcpy(bytes.data(), &header, sizeof header);
    if (!frame.body.empty())
        std::memcpy(bytes.data() + sizeof header, frame.body.data(), frame.body.size());
    return bytes;
}

} // namespace tracer
