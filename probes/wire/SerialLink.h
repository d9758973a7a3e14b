#pragma once
// Frames on a serial line that carries an instance's channels together (console, gdb, control, crash, trace). Guest and
// host include this one file; docs/serial-link.md is the normative text.
//
// A frame's content is SerialFrameHeader, `length` bytes of payload and a CRC-32C, all integers little-endian. On the
// line it stands between a start and an end mark, in one of two encodings. Bytes outside of frames are console text.

#include <array>
#include <cstddef>
#include <cstdint>

namespace wire {

inline constexpr uint8_t serial_version = 1;

/// In order of priority. Link carries the link's own messages.
enum class SerialChannel : uint8_t { Link = 0, Gdb = 1, Control = 2, Console = 3, Crash = 4, Trace = 5 };
inline constexpr size_t serial_channel_count = 6; ///< with Link

/// The kind of a frame on SerialChannel::Link; 0 on every other channel.
enum class SerialMessage : uint8_t {
    Data = 0,
    Hello = 1, ///< SerialHello; the only message outside of a session
    Ack = 2,   ///< what arrived and how much more may come
    Ping = 3,  ///< empty; asks for an Ack of all channels
    Bye = 4,   ///< empty; the sender has left the session
};

struct SerialFrameHeader {
    uint8_t kind;     ///< channel in bits 0-3, SerialMessage in bits 4-7
    uint8_t length;   ///< bytes of payload
    uint8_t sequence; ///< Data and Ping: number of this transmission. Ack: the newest number received. Else 0
};
static_assert(sizeof(SerialFrameHeader) == 3);

constexpr uint8_t serial_kind(SerialChannel channel, SerialMessage message) {
    return static_cast<uint8_t>(static_cast<unsigned>(channel) | static_cast<unsigned>(message) << 4);
}

inline constexpr size_t serial_crc_size = 4;
inline constexpr size_t serial_offset_size = 2; ///< a Data payload begins with its place in the channel's stream
inline constexpr size_t serial_max_data = 240;  ///< bytes of a stream in one frame
inline constexpr size_t serial_max_payload = serial_offset_size + serial_max_data;
inline constexpr size_t serial_min_content = sizeof(SerialFrameHeader) + serial_crc_size;
inline constexpr size_t serial_max_content = serial_min_content + serial_max_payload;

/// Places in a stream are counted modulo 2^16; what is between two of them must stay unambiguous.
inline constexpr unsigned serial_max_window_shift = 13;
inline constexpr size_t serial_max_window = size_t{1} << serial_max_window_shift;

enum class SerialRole : uint8_t { Host = 0, Guest = 1 };

enum SerialEncodings : uint8_t {
    SerialPlainAllowed = 1u << 0, ///< the line is 8-bit clean as far as the sender knows
};

struct SerialHello {
    uint8_t version;                           ///< the highest that the sender speaks; the lower of both is spoken
    uint8_t role;                              ///< SerialRole; an echo of one's own hello is not the peer's
    uint8_t encodings;                         ///< SerialEncodings
    uint8_t windows[serial_channel_count - 1]; ///< of channels 1 to 5: 2^n bytes may come before the first Ack
    uint32_t nonce;                            ///< of the sender's session; another one after every restart; never 0
    uint32_t peer_nonce;                       ///< the peer's, as far as the sender has heard of it; else 0
};
static_assert(sizeof(SerialHello) == 16);

/// An Ack's payload: the number of entries (one byte), the entries, then up to serial_ack_history / 8 bytes of a bit
/// mask. Bit i (the lowest of the first byte is bit 0) is set when transmission `newest - i` did not arrive; bytes that
/// are not sent are 0. What is older and not covered by an entry has to be taken for lost.
struct SerialAckEntry {
    uint8_t channel;  ///< SerialChannel
    uint8_t next[2];  ///< all before this place in the stream has arrived
    uint8_t limit[2]; ///< nothing at this place or beyond may be sent yet
};
static_assert(sizeof(SerialAckEntry) == 5);
inline constexpr unsigned serial_ack_history = 32;

/// Plain encoding: a mark or an escape byte in the content is sent as the escape byte and itself XOR 0x20. None of the
/// three is ever part of UTF-8 (RFC 3629, 3).
inline constexpr uint8_t serial_plain_start = 0xf5;
inline constexpr uint8_t serial_plain_end = 0xf6;
inline constexpr uint8_t serial_plain_escape = 0xf9;
inline constexpr uint8_t serial_plain_flip = 0x20;

/// Escaped encoding: the marks, and each six bits as one printable character, `0` and up.
inline constexpr uint8_t serial_escaped_start = '{';
inline constexpr uint8_t serial_escaped_end = '}';
inline constexpr uint8_t serial_escaped_zero = '0';
inline constexpr size_t serial_escaped_size(size_t bytes) {
    return (bytes * 4 + 2) / 3;
}
inline constexpr size_t serial_max_frame = 2 + 2 * serial_max_content; ///< bytes on the line, either encoding

namespace detail {

/// CRC-32C: Castagnoli's polynomial 0x1edc6f41, here with its bits reversed (RFC 3720, 12.1).
constexpr std::array<uint32_t, 256> make_crc32c_table() {
    std::array<uint32_t, 256> table{};
    for (uint32_t i = 0; i < 256; ++i) {
        uint32_t value = i;
        for (int bit = 0; bit < 8; ++bit)
            value = (value >> 1) ^ ((value & 1) != 0 ? 0x82f63b78u : 0);
        table[i] = value;
    }
    return table;
}
inline constexpr auto crc32c_table = make_crc32c_table();

} // namespace detail

/// CRC-32C of bytes whose first were folded into `seed`; a seed of 0 is the plain CRC-32C.
constexpr uint32_t crc32c(const uint8_t* bytes, size_t size, uint32_t seed = 0) {
    uint32_t value = ~seed;
    for (size_t i = 0; i < size; ++i)
        value = (value >> 8) ^ detail::crc32c_table[(value ^ bytes[i]) & 0xff];
    return ~value;
}

/// What a frame's CRC starts from: 0 for a Hello; in a session, the CRC-32C of both nonces and of who sends. So a frame
/// of another session, or one's own that the line echoes, is a damaged frame.
constexpr uint32_t serial_seed(uint32_t host_nonce, uint32_t guest_nonce, SerialRole sender) {
    uint8_t bytes[9] = {};
    for (unsigned i = 0; i < 4; ++i) {
        bytes[i] = static_cast<uint8_t>(host_nonce >> (8 * i));
        bytes[4 + i] = static_cast<uint8_t>(guest_nonce >> (8 * i));
    }
    bytes[8] = static_cast<uint8_t>(sender);
    return crc32c(bytes, sizeof(bytes));
}

} // namespace wire
