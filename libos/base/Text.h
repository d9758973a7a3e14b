#pragma once
// TextBuilder: text into a caller's buffer, with no heap, no locale and no failure: what does not fit is cut off and
// `truncated()` says so. For console lines, /proc files and packets. Callable from anywhere, stopped world included.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace base {

class TextBuilder {
public:
    explicit constexpr TextBuilder(std::span<char> buffer)
        : m_buffer(buffer) {}

    constexpr TextBuilder& put(char c) {
        if (m_length < m_buffer.size())
            m_buffer[m_length++] = c;
        else
            m_truncated = true;
        return *this;
    }

    constexpr TextBuilder& put(std::string_view text) {
        for (char c : text)
            put(c);
        return *this;
    }

    /// Lower-case hexadecimal without a prefix, at least `min_digits` long.
    constexpr TextBuilder& hex(uint64_t value, unsigned min_digits = 1) {
        unsigned digits = 1;
        while (digits < 16 && (value >> (4 * digits)) != 0)
            ++digits;
        if (digits < min_digits)
            digits = min_digits;
        while (digits-- > 0)
            put(digits >= 16 ? '0' : "0123456789abcdef"[(value >> (4 * digits)) & 0xf]);
        return *this;
    }

    constexpr TextBuilder& unsigned_decimal(uint64_t value, unsigned min_digits = 1) {
        char reversed[20];
        unsigned count = 0;
        do {
            reversed[count++] = static_cast<char>('0' + value % 10);
            value /= 10;
        } while (value != 0);
        for (unsigned pad = count; pad < min_digits; ++pad)
            put('0');
        while (count > 0)
            put(reversed[--count]);
        return *this;
    }

    template <std::integral T>
    constexpr TextBuilder& decimal(T value) {
        if constexpr (std::signed_integral<T>) {
            if (value < 0) {
                put('-');
                return unsigned_decimal(uint64_t{0} - static_cast<uint64_t>(value));
            }
        }
        return unsigned_decimal(static_cast<uint64_t>(value));
    }

    constexpr std::string_view view() const { return {m_buffer.data(), m_length}; }
    constexpr size_t size() const { return m_length; }
    constexpr bool truncated() const { return m_truncated; }
    constexpr void clear() {
        m_length = 0;
        m_truncated = false;
    }

private:
    std::span<char> m_buffer;
    size_t m_length = 0;
    bool m_truncated = false;
};

/// A TextBuilder that owns its buffer.
template <size_t Capacity>
class Text : public TextBuilder {
public:
    constexpr Text()
        : TextBuilder(std::span<char>(m_storage, Capacity)) {}
    Text(const Text&) = delete;
    Text& operator=(const Text&) = delete;

private:
    char m_storage[Capacity] = {};
};

} // namespace base
