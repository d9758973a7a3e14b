#pragma once
// Reads a printf format from left to right. Pure.

#include <cstdint>
#include <optional>
#include <string_view>

#include "gdbstub/agent/Error.h"

namespace gdbstub::agent {

struct Conversion {
    bool to_the_left = false;
    bool with_zeros = false;
    bool with_plus = false;
    bool with_space = false;
    bool alternate = false;
    unsigned width = 0;
    std::optional<unsigned> precision{};
    /// Of the argument: 16, 32 or 64.
    unsigned bits = 32;
    /// d u o x X c s p
    char kind = 0;
};

/// A character, or a conversion of the next argument.
struct FormatPiece {
    char character = 0;
    std::optional<Conversion> conversion{};
};

class FormatReader {
public:
    explicit FormatReader(std::string_view format)
        : m_rest(format) {}

    bool at_end() const { return m_rest.empty(); }
    Result<FormatPiece> next();

private:
    Result<char> escape();
    Result<Conversion> conversion();
    void read_flags(Conversion& conversion);
    Result<unsigned> number();
    bool accept(char c);

    std::string_view m_rest;
};

} // namespace gdbstub::agent
