#include "gdbstub/agent/Print.h"

#include <algorithm>
#include <array>

#include "gdbstub/agent/Format.h"
#include "libos/base/Result.h"

namespace gdbstub::agent {

namespace {

/// Puts a text together, and pays for it.
class Output {
public:
    Output(Printer& printer, Budget& budget)
        : m_printer(printer)
        , m_budget(budget) {}

    Result<> put(char c) {
        TRY(m_budget.spend(1));
        if (m_length == m_text.size())
            flush();
        m_text[m_length++] = c;
        return {};
    }

    Result<> put(std::string_view text) {
        for (char c : text)
            TRY(put(c));
        return {};
    }

    Result<> repeat(char c, size_t count) {
        while (count-- > 0)
            TRY(put(c));
        return {};
    }

    void flush() {
        if (m_length > 0)
            m_printer.print({m_text.data(), m_length});
        m_length = 0;
    }

private:
    Printer& m_printer;
    Budget& m_budget;
    std::array<char, largest_print> m_text;
    size_t m_length = 0;
};

/// The digits of a number, most significant first.
class Digits {
public:
    Digits(uint64_t value, unsigned base, bool upper_case) {
        std::string_view all = upper_case ? "0123456789ABCDEF" : "0123456789abcdef";
        for (; value != 0; value /= base)
            m_text[--m_begin] = all[value % base];
    }
    /// None for 0.
    std::string_view text() const { return {m_text.data() + m_begin, m_text.size() - m_begin}; }

private:
    std::array<char, 22> m_text; // 2^64 in octal
    size_t m_begin = m_text.size();
};

uint64_t without_upper_bits(uint64_t value, unsigned bits) {
    return bits == 64 ? value : value & ((uint64_t{1} << bits) - 1);
}

/// As C's printf has it.
Result<> put_number(Output& out, const Conversion& conversion, uint64_t argument) {
    uint64_t magnitude = without_upper_bits(argument, conversion.bits);
    std::string_view prefix;
    if (conversion.kind == 'd') {
        bool negative = (magnitude >> (conversion.bits - 1) & 1) != 0;
        if (negative)
            magnitude = without_upper_bits(-magnitude, conversion.bits);
        prefix = negative ? "-" : conversion.with_plus ? "+" : conversion.with_space ? " " : "";
    } else if (conversion.alternate && magnitude != 0 && conversion.kind != 'o') {
        prefix = conversion.kind == 'X' ? "0X" : "0x";
    }
    unsigned base = conversion.kind == 'd' || conversion.kind == 'u' ? 10 : conversion.kind == 'o' ? 8 : 16;
    Digits digits(magnitude, base, conversion.kind == 'X');
    std::string_view text = digits.text();

    size_t zeros = conversion.precision.value_or(1);
    zeros -= std::min(zeros, text.size());
    if (conversion.kind == 'o' && conversion.alternate && zeros == 0)
        zeros = 1;
    size_t length = prefix.size() + zeros + text.size();
    size_t padding = conversion.width - std::min<size_t>(conversion.width, length);
    bool pads_with_zeros = conversion.with_zeros && !conversion.to_the_left && !conversion.precision;
    if (pads_with_zeros)
        zeros += padding;
    else if (!conversion.to_the_left)
        TRY(out.repeat(' ', padding));
    TRY(out.put(prefix));
    TRY(out.repeat('0', zeros));
    TRY(out.put(text));
    if (conversion.to_the_left)
        TRY(out.repeat(' ', padding));
    return {};
}

Result<> put_padded(Output& out, const Conversion& conversion, std::string_view text) {
    size_t padding = conversion.width - std::min<size_t>(conversion.width, text.size());
    if (!conversion.to_the_left)
        TRY(out.repeat(' ', padding));
    TRY(out.put(text));
    if (conversion.to_the_left)
        TRY(out.repeat(' ', padding));
    return {};
}

Result<char> read_character(Context& context, Budget& budget, uint64_t address) {
    TRY(budget.spend(1));
    uint8_t byte;
    if (!context.read_memory(address, {&byte, 1}))
        return fail(Error::UnreadableMemory);
    return static_cast<char>(byte);
}

/// From the target's memory, byte for byte: what lies behind the string's end need not be there.
Result<> put_string(Output& out, const Conversion& conversion, uint64_t address, Context& context, Budget& budget) {
    if (address == 0)
        return put_padded(out, conversion,
                          std::string_view("(null)").substr(0, conversion.precision.value_or(largest_width)));
    size_t length = 0;
    size_t limit = conversion.precision.value_or(longest_string + 1);
    while (length < limit && TRY(read_character(context, budget, address + length)) != 0)
        ++length;
    if (length > longest_string)
        return fail(Error::StringTooLong);
    size_t padding = conversion.width - std::min<size_t>(conversion.width, length);
    if (!conversion.to_the_left)
        TRY(out.repeat(' ', padding));
    for (size_t i = 0; i < length; ++i)
        TRY(out.put(TRY(read_character(context, budget, address + i))));
    if (conversion.to_the_left)
        TRY(out.repeat(' ', padding));
    return {};
}

Result<> put_argument(Output& out, const Conversion& conversion, uint64_t argument, Context& context, Budget& budget) {
    switch (conversion.kind) {
    case 's':
        return put_string(out, conversion, argument, context, budget);
    case 'c': {
        char c = static_cast<char>(argument);
        return put_padded(out, conversion, {&c, 1});
    }
    case 'p': {
        if (argument == 0)
            return put_padded(out, conversion, "(nil)");
        Conversion pointer = conversion;
        pointer.kind = 'x';
        pointer.alternate = true;
        return put_number(out, pointer, argument);
    }
    default:
        return put_number(out, conversion, argument);
    }
}

Result<size_t> count_conversions(std::string_view format, Budget& budget) {
    size_t count = 0;
    for (FormatReader reader(format); !reader.at_end();) {
        TRY(budget.spend(1));
        if (TRY(reader.next()).conversion)
            ++count;
    }
    return count;
}

} // namespace

Result<> print_formatted(std::string_view format, std::span<const uint64_t> arguments, Context& context,
                         Budget& budget) {
    Printer* printer = context.printer();
    if (printer == nullptr)
        return fail(Error::NoPrinting);
    if (TRY(count_conversions(format, budget)) != arguments.size())
        return fail(Error::WrongArgumentCount);
    Output out(*printer, budget);
    size_t left = arguments.size();
    for (FormatReader reader(format); !reader.at_end();) {
        FormatPiece piece = TRY(reader.next());
        if (piece.conversion)
            TRY(put_argument(out, *piece.conversion, arguments[--left], context, budget));
        else
            TRY(out.put(piece.character));
    }
    out.flush();
    return {};
}

} // namespace gdbstub::agent
