#include "gdbstub/command/Parser.h"

#include "gdbstub/command/Packets.h"

#include <array>
#include <limits>

namespace gdbstub {

namespace {

Command read_register(Scanner scanner) {
    auto number = scanner.hex();
    if (!number || !scanner.at_end())
        return Malformed{};
    return ReadRegister{*number};
}

Command write_register(Scanner scanner) {
    auto number = scanner.hex();
    if (!number || !scanner.accept('='))
        return Malformed{};
    return WriteRegister{*number, scanner.rest()};
}

Command read_memory(Scanner scanner, Encoding encoding) {
    auto address = scanner.hex();
    if (!address || !scanner.accept(','))
        return Malformed{};
    auto length = scanner.hex();
    if (!length || !scanner.at_end())
        return Malformed{};
    return ReadMemory{*address, *length, encoding};
}

Command write_memory(Scanner scanner, Encoding encoding) {
    auto address = scanner.hex();
    if (!address || !scanner.accept(','))
        return Malformed{};
    auto length = scanner.hex();
    if (!length || !scanner.accept(':'))
        return Malformed{};
    return WriteMemory{*address, *length, scanner.rest(), encoding};
}

Command change_point(Scanner scanner, bool insert) {
    auto type = scanner.hex();
    if (!type || !scanner.accept(','))
        return Malformed{};
    auto address = scanner.hex();
    if (!address || !scanner.accept(','))
        return Malformed{};
    auto kind = scanner.hex();
    if (!kind)
        return Malformed{};
    ChangePoint command{insert, *type, *address, *kind};
    if (insert ? !parse_point_options(scanner, command) : !scanner.at_end())
        return Malformed{};
    return command;
}

Command select_thread(Scanner scanner) {
    if (scanner.at_end())
        return Malformed{};
    char operation = scanner.rest().front();
    scanner.accept(operation);
    auto thread = parse_thread(scanner);
    if (!thread || !scanner.at_end())
        return Malformed{};
    return SelectThread{operation, *thread};
}

Command thread_alive(Scanner scanner) {
    auto thread = parse_thread(scanner);
    if (!thread || !scanner.at_end())
        return Malformed{};
    return QueryThreadAlive{*thread};
}

Command resume_simply(Scanner scanner, ResumeKind kind, bool with_signal) {
    ResumeSimply command{.kind = kind};
    if (with_signal) {
        auto signal = scanner.hex();
        if (!signal || (!scanner.at_end() && !scanner.accept(';')))
            return Malformed{};
        command.gdb_signal_untrusted = *signal;
    }
    if (!scanner.at_end()) {
        auto pc = scanner.hex();
        if (!pc || !scanner.at_end())
            return Malformed{};
        command.new_pc = pc;
    }
    return command;
}

Command checksum(Scanner scanner) {
    auto address = scanner.hex();
    if (!address || !scanner.accept(','))
        return Malformed{};
    auto length = scanner.hex();
    if (!length || !scanner.at_end())
        return Malformed{};
    return QueryChecksum{*address, *length};
}

Command search(Scanner scanner) {
    if (!scanner.accept("memory:"))
        return Unknown{};
    auto address = scanner.hex();
    if (!address || !scanner.accept(';'))
        return Malformed{};
    auto length = scanner.hex();
    if (!length || !scanner.accept(';'))
        return Malformed{};
    return SearchMemory{*address, *length, scanner.rest()};
}

Command thread_text(Scanner scanner) {
    auto thread = parse_thread(scanner);
    if (!thread || !scanner.at_end())
        return Malformed{};
    return QueryThreadText{*thread};
}

Command thread_local_address(Scanner scanner) {
    auto thread = parse_thread(scanner);
    if (!thread || !scanner.accept(','))
        return Malformed{};
    auto offset = scanner.hex();
    if (!offset || !scanner.accept(','))
        return Malformed{};
    auto link_map = scanner.hex();
    if (!link_map || !scanner.at_end())
        return Malformed{};
    return QueryThreadLocal{*thread, *offset, *link_map};
}

Command write_signal_info(Scanner scanner) {
    if (!scanner.accept(':')) // there is no annex
        return Malformed{};
    auto offset = scanner.hex();
    if (!offset || !scanner.accept(':'))
        return Malformed{};
    return WriteSignalInfo{*offset, scanner.rest()};
}

Command transfer(Scanner scanner) {
    std::string_view object = scanner.until(":");
    if (!scanner.accept(':'))
        return Malformed{};
    std::string_view operation = scanner.until(":");
    if (!scanner.accept(':'))
        return Unknown{};
    if (object == "siginfo" && operation == "write")
        return write_signal_info(scanner);
    if (operation != "read")
        return Unknown{};
    std::string_view annex = scanner.until(":");
    if (!scanner.accept(':'))
        return Malformed{};
    auto offset = scanner.hex();
    if (!offset || !scanner.accept(','))
        return Malformed{};
    auto length = scanner.hex();
    if (!length || !scanner.at_end())
        return Malformed{};
    return Transfer{object, annex, *offset, *length};
}

/// Packets that are a letter, and how the text behind it is read.
struct Letter {
    char letter;
    Command (*parse)(Scanner arguments);
};
constexpr std::array letter_packets = {
    Letter{'?', [](Scanner) -> Command { return QueryStopReason{}; }},
    Letter{'c', [](Scanner scanner) { return resume_simply(scanner, ResumeKind::Continue, false); }},
    Letter{'C', [](Scanner scanner) { return resume_simply(scanner, ResumeKind::Continue, true); }},
    Letter{'s', [](Scanner scanner) { return resume_simply(scanner, ResumeKind::Step, false); }},
    Letter{'S', [](Scanner scanner) { return resume_simply(scanner, ResumeKind::Step, true); }},
    Letter{'D', [](Scanner) -> Command { return Detach{}; }},
    Letter{'g', [](Scanner) -> Command { return ReadRegisters{}; }},
    Letter{'G', [](Scanner scanner) -> Command { return WriteRegisters{scanner.rest()}; }},
    Letter{'H', select_thread},
    Letter{'k', [](Scanner) -> Command { return Kill{.wants_reply = false}; }},
    Letter{'m', [](Scanner scanner) { return read_memory(scanner, Encoding::Hex); }},
    Letter{'x', [](Scanner scanner) { return read_memory(scanner, Encoding::Binary); }},
    Letter{'M', [](Scanner scanner) { return write_memory(scanner, Encoding::Hex); }},
    Letter{'X', [](Scanner scanner) { return write_memory(scanner, Encoding::Binary); }},
    Letter{'p', read_register},
    Letter{'P', write_register},
    Letter{'T', thread_alive},
    Letter{'Z', [](Scanner scanner) { return change_point(scanner, true); }},
    Letter{'z', [](Scanner scanner) { return change_point(scanner, false); }},
};

/// Packets with names, and how the text behind the name's separator is read.
struct Named {
    std::string_view name;
    Command (*parse)(Scanner arguments);
};
constexpr std::array named_packets = {
    Named{"qAttached", [](Scanner) -> Command { return QueryAttached{}; }},
    Named{"qC", [](Scanner) -> Command { return QueryCurrentThread{}; }},
    Named{"qCRC", checksum},
    Named{"qGetTLSAddr", thread_local_address},
    Named{"qRcmd", [](Scanner scanner) -> Command { return MonitorCommand{scanner.rest()}; }},
    Named{"qSearch", search},
    Named{"qSupported", [](Scanner scanner) -> Command { return QuerySupported{scanner.rest()}; }},
    Named{"qThreadExtraInfo", thread_text},
    Named{"qXfer", transfer},
    Named{"qfThreadInfo", [](Scanner) -> Command { return ListThreads{true}; }},
    Named{"qsThreadInfo", [](Scanner) -> Command { return ListThreads{false}; }},
    Named{"QAllow", [](Scanner scanner) -> Command { return SetPermissions{scanner.rest()}; }},
    Named{"QCatchSyscalls", [](Scanner scanner) -> Command { return CatchSystemCalls{scanner.rest()}; }},
    Named{"QPassSignals", [](Scanner scanner) -> Command { return SetSignals{SetSignals::Set::Pass, scanner.rest()}; }},
    Named{"QProgramSignals",
          [](Scanner scanner) -> Command { return SetSignals{SetSignals::Set::Program, scanner.rest()}; }},
    Named{"QStartNoAckMode", [](Scanner) -> Command { return StartNoAckMode{}; }},
    Named{"vCont", [](Scanner scanner) -> Command { return Resume{scanner.rest()}; }},
    Named{"vCont?", [](Scanner) -> Command { return QueryResumeActions{}; }},
    Named{"vFile", parse_file_operation},
    Named{"vKill", [](Scanner) -> Command { return Kill{.wants_reply = true}; }},
};

/// Packets.h describes what is read here: no more and no less.
constexpr bool are_described() {
    for (const Letter& packet : letter_packets)
        if (!is_described({&packet.letter, 1}))
            return false;
    for (const Named& packet : named_packets)
        if (packet.parse != parse_file_operation && !is_described(packet.name))
            return false;
    return letter_packets.size() + named_packets.size() - 1 + described_file_operations == packet_descriptions.size();
}
static_assert(are_described());

Command parse_named(std::string_view packet) {
    Scanner scanner(packet);
    std::string_view name = scanner.until(":,;");
    for (char separator : {':', ',', ';'})
        if (scanner.accept(separator))
            break;
    for (const Named& candidate : named_packets)
        if (candidate.name == name)
            return candidate.parse(scanner);
    return Unknown{};
}

} // namespace

Command parse_command(std::string_view packet) {
    if (packet.empty())
        return Unknown{};
    char letter = packet.front();
    if (letter == 'q' || letter == 'Q' || letter == 'v')
        return parse_named(packet);
    Scanner scanner(packet);
    scanner.accept(letter);
    for (const Letter& candidate : letter_packets)
        if (candidate.letter == letter)
            return candidate.parse(scanner);
    return Unknown{};
}

std::optional<ThreadSelector> parse_thread(Scanner& scanner) {
    using Kind = ThreadSelector::Kind;
    if (scanner.accept('p')) {
        if (!scanner.accept("-1")) {
            auto process = scanner.hex();
            if (!process || *process > 1)
                return std::nullopt;
        }
        if (!scanner.accept('.'))
            return ThreadSelector{Kind::All};
    }
    if (scanner.accept("-1"))
        return ThreadSelector{Kind::All};
    auto id = scanner.hex();
    if (!id || *id >= std::numeric_limits<ThreadId>::max())
        return std::nullopt;
    if (*id == 0)
        return ThreadSelector{Kind::Any};
    return ThreadSelector{Kind::One, static_cast<ThreadId>(*id)};
}

} // namespace gdbstub
