#pragma once
// Layer 1, outwards: one reply packet, put together in the caller's buffer and framed there.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace gdbstub {

/// Write the data, then take frame(). The frame stays in place for retransmission until clear().
/// What does not fit is dropped, and frame() then is an error reply: handlers that may have much to say look at room().
class Reply {
public:
    constexpr explicit Reply(std::span<uint8_t> buffer)
        : m_buffer(buffer) {}

    void clear();
    bool empty() const { return m_length == 0; }
    /// How many bytes of data still fit.
    size_t room() const { return m_buffer.size() - overhead - m_length; }
    size_t capacity() const { return m_buffer.size() - overhead; }

    Reply& put(char c);
    Reply& put(std::string_view text);
    /// A number, without leading zeros.
    Reply& number(uint64_t value);
    /// Two digits.
    Reply& hex_byte(uint8_t byte);
    Reply& hex_bytes(std::span<const uint8_t> bytes);
    /// As binary data: '}', '$', '#' and '*' are escaped. False, and nothing written, if it does not fit.
    [[nodiscard]] bool binary_byte(uint8_t byte);

    /// For a reply whose first byte is known only at its end.
    void replace_first(char c) { m_buffer[data_at] = static_cast<uint8_t>(c); }

    /// Replaces the data by Exx, or where `text` is given by E.text.
    void error(uint8_t number, std::string_view text = {});

    /// Runs of equal bytes are shortened (GDB manual, "Overview": run-length encoding), on a serial line most of a
    /// register dump. With `acknowledge`, a '+' stands before it. To be called once; frame_again() has the same bytes.
    std::span<const uint8_t> frame(bool acknowledge);
    std::span<const uint8_t> frame_again() const { return m_buffer.subspan(1, m_framed); }

    /// Free space behind the data, as scratch memory until the next put.
    std::span<uint8_t> scratch() { return m_buffer.subspan(data_at + m_length, room()); }

private:
    static constexpr size_t data_at = 2;  // '+' and '$' before it
    static constexpr size_t overhead = 5; // and '#' and two digits behind it

    void compress();

    std::span<uint8_t> m_buffer;
    size_t m_length = 0;
    size_t m_framed = 0;
    bool m_truncated = false;
};

} // namespace gdbstub
