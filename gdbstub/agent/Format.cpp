#include "gdbstub/agent/Format.h"

#include <algorithm>

#include "gdbstub/agent/Print.h"
#include "libos/base/Result.h"

namespace gdbstub::agent {

namespace {

bool is_one_of(char c, std::string_view set) {
    return std::ranges::any_of(set, [c](char member) { return member == c; });
}

/// What gdb refuses before it compiles such a format, so that no two stubs print it differently.
bool fits_together(const Conversion& conversion, bool has_length, bool is_short) {
    bool decorated = conversion.with_plus || conversion.with_space;
    switch (conversion.kind) {
    case 'u':
        return !decorated && !conversion.alternate;
    case 'o':
    case 'x':
    case 'X':
        return !decorated;
    case 'c':
        return !is_short && !conversion.precision && !conversion.with_zeros && !decorated;
    case 's':
        return !is_short && !conversion.with_zeros && !decorated;
    case 'p':
        return !has_length && !conversion.precision && !conversion.alternate && !conversion.with_zeros && !decorated;
    default:
        return true;
    }
}

} // namespace

Result<FormatPiece> FormatReader::next() {
    char c = m_rest.front();
    m_rest.remove_prefix(1);
    if (c == '\\')
        return FormatPiece{.character = TRY(escape())};
    if (c != '%' || accept('%'))
        return FormatPiece{.character = c};
    return FormatPiece{.conversion = TRY(conversion())};
}

Result<char> FormatReader::escape() {
    struct Escape {
        char written, meant;
    };
    static constexpr Escape escapes[] = {{'\\', '\\'}, {'a', '\a'}, {'b', '\b'}, {'e', '\033'}, {'f', '\f'},
                                         {'n', '\n'},  {'r', '\r'}, {'t', '\t'}, {'v', '\v'},   {'"', '"'}};
    for (const Escape& escape : escapes)
        if (accept(escape.written))
            return escape.meant;
    return fail(Error::BadFormat);
}

Result<Conversion> FormatReader::conversion() {
    Conversion found;
    read_flags(found);
    found.width = TRY(number());
    if (accept('.'))
        found.precision = TRY(number());

    bool is_short = accept('h');
    bool is_size = !is_short && accept('z');
    bool is_long = is_size || (!is_short && accept('l'));
    bool is_longer = is_long && !is_size && accept('l');
    if (is_short)
        found.bits = 16;
    else if (is_long)
        found.bits = 64;

    if (m_rest.empty())
        return fail(Error::BadFormat);
    found.kind = m_rest.front();
    m_rest.remove_prefix(1);
    if (found.kind == 'i')
        found.kind = 'd';
    static constexpr std::string_view known = "duoxXcsp";
    static constexpr std::string_view refused = "efgEGaAn*LHD";
    if (is_one_of(found.kind, refused))
        return fail(Error::UnsupportedConversion);
    if (!is_one_of(found.kind, known) || !fits_together(found, is_short || is_long, is_short))
        return fail(Error::BadFormat);
    bool is_text = found.kind == 'c' || found.kind == 's';
    if (is_text && is_long)
        return fail(is_longer ? Error::BadFormat : Error::UnsupportedConversion); // wide characters
    if (is_text || found.kind == 'p')
        found.bits = 64;
    return found;
}

void FormatReader::read_flags(Conversion& conversion) {
    for (;;) {
        if (accept('-'))
            conversion.to_the_left = true;
        else if (accept('0'))
            conversion.with_zeros = true;
        else if (accept('+'))
            conversion.with_plus = true;
        else if (accept(' '))
            conversion.with_space = true;
        else if (accept('#'))
            conversion.alternate = true;
        else
            return;
    }
}

/// 0 where there is none.
Result<unsigned> FormatReader::number() {
    unsigned value = 0;
    while (!m_rest.empty() && m_rest.front() >= '0' && m_rest.front() <= '9') {
        value = 10 * value + static_cast<unsigned>(m_rest.front() - '0');
        if (value > largest_width)
            return fail(Error::UnsupportedConversion);
        m_rest.remove_prefix(1);
    }
    return value;
}

bool FormatReader::accept(char c) {
    if (m_rest.empty() || m_rest.front() != c)
        return false;
    m_rest.remove_prefix(1);
    return true;
}

} // namespace gdbstub::agent
