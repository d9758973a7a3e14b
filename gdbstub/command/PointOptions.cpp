// What a Z packet may have behind the kind: GDB manual, "Packets": "Z0,addr,kind[;cond_list...][;cmds:persist,
// cmd_list...]", where a list is "X len,expr" over and over.

#include <limits>

#include "gdbstub/command/Parser.h"

namespace gdbstub {

namespace {

/// The text of a list of one or more expressions.
std::optional<std::string_view> parse_list(Scanner& scanner) {
    std::string_view text = scanner.rest();
    do {
        if (!parse_expression(scanner))
            return std::nullopt;
    } while (!scanner.at_end() && scanner.rest().front() == 'X');
    return text.substr(0, text.size() - scanner.rest().size());
}

} // namespace

std::optional<std::string_view> parse_expression(Scanner& scanner) {
    if (!scanner.accept('X'))
        return std::nullopt;
    auto length_untrusted = scanner.hex();
    if (!length_untrusted || !scanner.accept(','))
        return std::nullopt;
    uint64_t length = *length_untrusted;
    if (length == 0 || length > std::numeric_limits<uint16_t>::max())
        return std::nullopt;
    std::string_view digits = scanner.rest().substr(0, 2 * length);
    if (digits.size() != 2 * length || !is_hex_bytes(digits))
        return std::nullopt;
    scanner.accept(digits);
    return digits;
}

bool parse_point_options(Scanner& scanner, ChangePoint& command) {
    while (scanner.accept(';')) {
        bool are_commands = scanner.accept("cmds:");
        if (are_commands) {
            auto persists = scanner.hex();
            if (!persists || !scanner.accept(','))
                return false;
            command.persists = *persists != 0;
        }
        std::string_view& list = are_commands ? command.commands : command.conditions;
        auto found = parse_list(scanner);
        if (!found || !list.empty())
            return false;
        list = *found;
    }
    return scanner.at_end();
}

} // namespace gdbstub
