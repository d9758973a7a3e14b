#pragma once
// Hexadecimal digits, the protocol's way to write numbers and bytes. Pure.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace gdbstub {

/// -1 if `c` is none.
constexpr int hex_digit_value(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

constexpr char hex_digit(unsigned value) {
    return "0123456789abcdef"[value & 0xf];
}

/// Whether `text` is an even number of hexadecimal digits.
constexpr bool is_hex_bytes(std::string_view text) {
    for (char c : text)
        if (hex_digit_value(c) < 0)
            return false;
    return text.size() % 2 == 0;
}

/// Byte number `index` of `text`, for which is_hex_bytes() holds and which is long enough.
constexpr uint8_t hex_byte(std::string_view text, size_t index) {
    return static_cast<uint8_t>(hex_digit_value(text[2 * index]) << 4 | hex_digit_value(text[2 * index + 1]));
}

/// Fills `out` from the first `2 * out.size()` digits of `text`; the same conditions.
constexpr void decode_hex(std::string_view text, std::span<uint8_t> out) {
    for (size_t i = 0; i < out.size(); ++i)
        out[i] = hex_byte(text, i);
}

} // namespace gdbstub
