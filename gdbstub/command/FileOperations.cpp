// vFile: GDB manual, "Host I/O Packets".

#include <array>

#include "gdbstub/command/Packets.h"
#include "gdbstub/command/Parser.h"

namespace gdbstub {

namespace {

Command open(Scanner scanner) {
    std::string_view path = scanner.until(",");
    if (!scanner.accept(','))
        return Malformed{};
    auto flags = scanner.hex();
    if (!flags || !scanner.accept(','))
        return Malformed{};
    auto mode = scanner.hex(); // of a file that is made: none is
    if (!mode || !scanner.at_end())
        return Malformed{};
    return OpenFile{path, *flags};
}

Command read(Scanner scanner) {
    auto file = scanner.hex();
    if (!file || !scanner.accept(','))
        return Malformed{};
    auto length = scanner.hex();
    if (!length || !scanner.accept(','))
        return Malformed{};
    auto offset = scanner.hex();
    if (!offset || !scanner.at_end())
        return Malformed{};
    return ReadFile{*file, *length, *offset};
}

template <typename Made>
Command of_file(Scanner scanner) {
    auto file = scanner.hex();
    if (!file || !scanner.at_end())
        return Malformed{};
    return Made{*file};
}

template <typename Made>
Command of_path(Scanner scanner) {
    return Made{scanner.rest()};
}

struct Operation {
    std::string_view name;
    Command (*parse)(Scanner arguments);
};
constexpr std::array operations = {
    Operation{"open", open},
    Operation{"close", of_file<CloseFile>},
    Operation{"pread", read},
    Operation{"fstat", of_file<QueryFileStatus>},
    Operation{"stat", of_path<QueryPathStatus>},
    Operation{"readlink", of_path<ReadLink>},
    Operation{"setfs", [](Scanner) -> Command { return SelectFileSystem{}; }},
    Operation{"pwrite", [](Scanner) -> Command { return ChangeFile{}; }},
    Operation{"unlink", [](Scanner) -> Command { return ChangeFile{}; }},
};

/// As in Parser.cpp.
constexpr bool are_described() {
    size_t found = 0;
    for (const Operation& operation : operations)
        for (const PacketDescription& description : packet_descriptions)
            found += description.group == PacketGroup::Files && description.name.ends_with(operation.name) &&
                     description.name.size() == std::string_view("vFile:").size() + operation.name.size();
    return found == operations.size() && found == described_file_operations;
}
static_assert(are_described());

} // namespace

Command parse_file_operation(Scanner scanner) {
    std::string_view name = scanner.until(":");
    if (!scanner.accept(':'))
        return Malformed{};
    for (const Operation& operation : operations)
        if (operation.name == name)
            return operation.parse(scanner);
    return Unknown{};
}

} // namespace gdbstub
