#include "gdbstub/packet/Reply.h"

#include "gdbstub/packet/Hex.h"
#include "libos/base/Result.h"

namespace gdbstub {

void Reply::clear() {
    m_length = 0;
    m_framed = 0;
    m_truncated = false;
}

Reply& Reply::put(char c) {
    if (room() > 0)
        m_buffer[data_at + m_length++] = static_cast<uint8_t>(c);
    else
        m_truncated = true;
    return *this;
}

Reply& Reply::put(std::string_view text) {
    for (char c : text)
        put(c);
    return *this;
}

Reply& Reply::number(uint64_t value) {
    unsigned digits = 1;
    while (digits < 16 && value >> (4 * digits) != 0)
        ++digits;
    while (digits-- > 0)
        put(hex_digit(static_cast<unsigned>(value >> (4 * digits))));
    return *this;
}

Reply& Reply::hex_byte(uint8_t byte) {
    return put(hex_digit(byte >> 4)).put(hex_digit(byte));
}

Reply& Reply::hex_bytes(std::span<const uint8_t> bytes) {
    for (uint8_t byte : bytes)
        hex_byte(byte);
    return *this;
}

bool Reply::binary_byte(uint8_t byte) {
    bool escape = byte == '}' || byte == '$' || byte == '#' || byte == '*';
    if (room() < (escape ? 2 : 1))
        return false;
    if (escape)
        put('}');
    put(static_cast<char>(escape ? byte ^ 0x20 : byte));
    return true;
}

void Reply::error(uint8_t number, std::string_view text) {
    clear();
    put('E');
    if (text.empty()) {
        hex_byte(number);
        return;
    }
    put('.');
    for (char c : text)
        if (room() > 0 && c >= ' ' && c <= '~' && c != '#' && c != '$' && c != '}' && c != '*')
            put(c);
}

std::span<const uint8_t> Reply::frame(bool acknowledge) {
    if (m_truncated)
        error(static_cast<uint8_t>(base::Error::Overflow));
    compress();
    uint8_t sum = 0;
    for (uint8_t byte : m_buffer.subspan(data_at, m_length))
        sum = static_cast<uint8_t>(sum + byte);
    m_buffer[0] = '+';
    m_buffer[1] = '$';
    m_buffer[data_at + m_length] = '#';
    m_buffer[data_at + m_length + 1] = static_cast<uint8_t>(hex_digit(sum >> 4));
    m_buffer[data_at + m_length + 2] = static_cast<uint8_t>(hex_digit(sum));
    m_framed = m_length + overhead - 1;
    return acknowledge ? m_buffer.first(m_framed + 1) : m_buffer.subspan(1, m_framed);
}

void Reply::compress() {
    // After a byte, '*' and a count n stand for n - 29 more of it; n is printable, and neither '#' nor '$'.
    constexpr size_t shortest = 3, longest = 126 - 29;
    std::span<uint8_t> data = m_buffer.subspan(data_at, m_length);
    size_t written = 0;
    for (size_t at = 0; at < data.size();) {
        uint8_t byte = data[at];
        size_t more = 0;
        while (at + more + 1 < data.size() && more < longest && data[at + more + 1] == byte)
            ++more;
        if (more + 29 == '#' || more + 29 == '$')
            more = '"' - 29;
        data[written++] = byte;
        if (more >= shortest) {
            data[written++] = '*';
            data[written++] = static_cast<uint8_t>(more + 29);
            at += more + 1;
        } else {
            ++at;
        }
    }
    m_length = written;
}

} // namespace gdbstub
