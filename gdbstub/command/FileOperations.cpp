// vFile: GDB manual, "Host I/O Packets".

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
constexpr Operation operations[] = {
    {"open", open},
    {"close", of_file<CloseFile>},
    {"pread", read},
    {"fstat", of_file<QueryFileStatus>},
    {"stat", of_path<QueryPathStatus>},
    {"readlink", of_path<ReadLink>},
    {"setfs", [](Scanner) -> Command { return SelectFileSystem{}; }},
    {"pwrite", [](Scanner) -> Command { return ChangeFile{}; }},
    {"unlink", [](Scanner) -> Command { return ChangeFile{}; }},
};

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
