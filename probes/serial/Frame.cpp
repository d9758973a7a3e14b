#include "probes/serial/Frame.h"

#include <cstring>

namespace serial {

namespace {

using namespace wire;

constexpr bool is_plain_special(uint8_t byte) {
    return byte >= serial_plain_start && byte <= serial_plain_escape &&
           (byte == serial_plain_start || byte == serial_plain_end || byte == serial_plain_escape);
}

size_t put_plain(std::span<const uint8_t> content, uint8_t* out) {
    uint8_t* at = out;
    *at++ = serial_plain_start;
    for (uint8_t byte : content) {
        if (is_plain_special(byte)) [[unlikely]] {
            *at++ = serial_plain_escape;
            byte ^= serial_plain_flip;
        }
        *at++ = byte;
    }
    *at++ = serial_plain_end;
    return static_cast<size_t>(at - out);
}

size_t put_escaped(std::span<const uint8_t> content, uint8_t* out) {
    uint8_t* at = out;
    *at++ = serial_escaped_start;
    uint32_t bits = 0;
    unsigned count = 0;
    for (uint8_t byte : content) {
        bits = bits << 8 | byte;
        count += 8;
        while (count >= 6) {
            count -= 6;
            *at++ = static_cast<uint8_t>(serial_escaped_zero + (bits >> count & 63));
        }
    }
    if (count != 0)
        *at++ = static_cast<uint8_t>(serial_escaped_zero + (bits << (6 - count) & 63));
    *at++ = serial_escaped_end;
    return static_cast<size_t>(at - out);
}

} // namespace

size_t encode(const Frame& frame, Encoding encoding, uint32_t seed, LineBuffer& out) {
    uint8_t content[serial_max_content];
    content[0] = serial_kind(frame.channel, frame.message);
    content[1] = static_cast<uint8_t>(frame.payload.size());
    content[2] = frame.sequence;
    size_t size = sizeof(SerialFrameHeader);
    if (!frame.payload.empty())
        std::memcpy(content + size, frame.payload.data(), frame.payload.size());
    size += frame.payload.size();
    uint32_t crc = crc32c(content, size, seed);
    for (size_t i = 0; i < serial_crc_size; ++i)
        content[size++] = static_cast<uint8_t>(crc >> (8 * i));
    std::span<const uint8_t> whole(content, size);
    return encoding == Encoding::Plain ? put_plain(whole, out) : put_escaped(whole, out);
}

std::optional<size_t> decode_plain(std::span<const uint8_t> from_untrusted, std::span<uint8_t> content) {
    size_t size = 0;
    while (!from_untrusted.empty()) {
        // Most frames have no escape in them.
        auto* escape =
            static_cast<const uint8_t*>(std::memchr(from_untrusted.data(), serial_plain_escape, from_untrusted.size()));
        size_t run = escape != nullptr ? static_cast<size_t>(escape - from_untrusted.data()) : from_untrusted.size();
        if (run > content.size() - size)
            return std::nullopt;
        std::memcpy(content.data() + size, from_untrusted.data(), run);
        size += run;
        from_untrusted = from_untrusted.subspan(run);
        if (escape == nullptr)
            break;
        if (from_untrusted.size() < 2 || size == content.size())
            return std::nullopt;
        uint8_t byte = from_untrusted[1] ^ serial_plain_flip;
        if (!is_plain_special(byte))
            return std::nullopt;
        content[size++] = byte;
        from_untrusted = from_untrusted.subspan(2);
    }
    return size;
}

std::optional<size_t> decode_escaped(std::span<const uint8_t> from_untrusted, std::span<uint8_t> content) {
    size_t size = 0;
    uint32_t bits = 0;
    unsigned count = 0;
    for (uint8_t byte : from_untrusted) {
        if (!is_escaped_digit(byte))
            return std::nullopt;
        bits = bits << 6 | static_cast<uint32_t>(byte - serial_escaped_zero);
        count += 6;
        if (count < 8)
            continue;
        count -= 8;
        if (size == content.size())
            return std::nullopt;
        content[size++] = static_cast<uint8_t>(bits >> count);
    }
    // Left over are the zeros that fill the last character.
    if (count >= 6 || (bits & ((1u << count) - 1)) != 0)
        return std::nullopt;
    return size;
}

std::optional<Frame> parse_content(std::span<const uint8_t> content_untrusted, std::optional<uint32_t> seed) {
    if (content_untrusted.size() < serial_min_content || content_untrusted.size() > serial_max_content)
        return std::nullopt;
    size_t checked = content_untrusted.size() - serial_crc_size;
    Frame frame;
    frame.channel = static_cast<SerialChannel>(content_untrusted[0] & 0xf);
    frame.message = static_cast<SerialMessage>(content_untrusted[0] >> 4);
    frame.sequence = content_untrusted[2];
    if (content_untrusted[1] != checked - sizeof(SerialFrameHeader))
        return std::nullopt;
    bool is_link = frame.channel == SerialChannel::Link;
    if (is_link && frame.message == SerialMessage::Hello)
        seed = 0;
    if (!seed || static_cast<size_t>(frame.channel) >= serial_channel_count ||
        is_link == (frame.message == SerialMessage::Data) || frame.message > SerialMessage::Bye ||
        (!is_link && frame.message != SerialMessage::Data))
        return std::nullopt;
    uint32_t crc = 0;
    for (size_t i = 0; i < serial_crc_size; ++i)
        crc |= uint32_t{content_untrusted[checked + i]} << (8 * i);
    if (crc32c(content_untrusted.data(), checked, *seed) != crc)
        return std::nullopt;
    frame.payload = content_untrusted.subspan(sizeof(SerialFrameHeader), content_untrusted[1]);
    return frame;
}

} // namespace serial
