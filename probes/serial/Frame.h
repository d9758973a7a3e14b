#pragma once
// One frame of the serial line, between its fields and its bytes (docs/serial-link.md, "Frames").

#include "probes/wire/SerialLink.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace serial {

using wire::SerialChannel;
using wire::SerialMessage;
using wire::SerialRole;

/// Microseconds of a clock that never goes back and that runs on while the world is stopped; from any start but 0.
using Time = uint64_t;
inline constexpr Time no_deadline = UINT64_MAX;

enum class Encoding : uint8_t { Plain, Escaped };

struct Frame {
    SerialChannel channel = SerialChannel::Link;
    SerialMessage message = SerialMessage::Data;
    uint8_t sequence = 0;
    std::span<const uint8_t> payload;
};

/// Room for any frame as it stands on the line.
using LineBuffer = uint8_t[wire::serial_max_frame];

/// Puts the frame on the line, with its marks; returns how many bytes. The payload has at most serial_max_payload.
size_t encode(const Frame& frame, Encoding encoding, uint32_t seed, LineBuffer& out);

/// What stood between the marks, back to content. Nothing if it cannot be one.
std::optional<size_t> decode_plain(std::span<const uint8_t> from_untrusted, std::span<uint8_t> content);
std::optional<size_t> decode_escaped(std::span<const uint8_t> from_untrusted, std::span<uint8_t> content);

/// The fields of a whole content; its payload points into it. Nothing if length, CRC or kind are wrong. A Hello is
/// checked with seed 0, all else with `seed`, and is wrong without one.
std::optional<Frame> parse_content(std::span<const uint8_t> content_untrusted, std::optional<uint32_t> seed);

/// A character of the escaped encoding.
constexpr bool is_escaped_digit(uint8_t byte) {
    return byte >= wire::serial_escaped_zero && byte < wire::serial_escaped_zero + 64;
}

} // namespace serial
