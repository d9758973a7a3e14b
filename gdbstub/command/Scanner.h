#pragma once
// Reads a packet's text from left to right. Pure; everything it yields is as untrusted as the packet.

#include <cstdint>
#include <optional>
#include <string_view>

#include "gdbstub/packet/Hex.h"

namespace gdbstub {

class Scanner {
public:
    constexpr explicit Scanner(std::string_view text)
        : m_text(text) {}

    constexpr bool at_end() const { return m_text.empty(); }
    constexpr std::string_view rest() const { return m_text; }

    constexpr bool accept(char c) {
        if (m_text.empty() || m_text.front() != c)
            return false;
        m_text.remove_prefix(1);
        return true;
    }

    constexpr bool accept(std::string_view prefix) {
        if (!m_text.starts_with(prefix))
            return false;
        m_text.remove_prefix(prefix.size());
        return true;
    }

    /// Nothing if there is no digit or the number has more than 64 bits.
    constexpr std::optional<uint64_t> hex() {
        uint64_t value = 0;
        size_t digits = 0;
        for (; digits < m_text.size(); ++digits) {
            int digit = hex_digit_value(m_text[digits]);
            if (digit < 0)
                break;
            if (value >> 60 != 0)
                return std::nullopt;
            value = value << 4 | static_cast<unsigned>(digit);
        }
        if (digits == 0)
            return std::nullopt;
        m_text.remove_prefix(digits);
        return value;
    }

    /// The text up to any of the `separators`, which stay where they are; up to the end if there is none.
    constexpr std::string_view until(std::string_view separators) {
        size_t length = 0;
        while (length < m_text.size() && !contains(separators, m_text[length]))
            ++length;
        std::string_view found = m_text.substr(0, length);
        m_text.remove_prefix(length);
        return found;
    }

private:
    static constexpr bool contains(std::string_view set, char c) {
        for (char member : set)
            if (member == c)
                return true;
        return false;
    }

    std::string_view m_text;
};

} // namespace gdbstub
