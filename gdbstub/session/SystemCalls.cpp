// QCatchSyscalls: GDB manual, "General Query Packets".

#include "gdbstub/Session.h"
#include "gdbstub/command/Scanner.h"

namespace gdbstub {

namespace {

constexpr Refusal malformed{base::Error::Invalid, "The list of system calls is malformed."};
constexpr Refusal too_large{base::Error::Range, "There is no system call of such a number."};

} // namespace

/// "0", "1", or "1;27;3c": the numbers in hexadecimal.
Session::Handled Session::handle(const CatchSystemCalls& command) {
    if (!m_target.reports_system_calls())
        return Next::Unsupported;
    Scanner scanner(command.list_untrusted);
    auto catches = scanner.hex();
    if (!catches || *catches > 1 || (*catches == 0 && !scanner.at_end()))
        return std::unexpected(malformed);
    // Checked as a whole before anything changes.
    Scanner numbers = scanner;
    while (!numbers.at_end()) {
        if (!numbers.accept(';'))
            return std::unexpected(malformed);
        auto number_untrusted = numbers.hex();
        if (!number_untrusted)
            return std::unexpected(malformed);
        if (*number_untrusted >= CaughtSystemCalls::number_limit)
            return std::unexpected(too_large);
    }
    m_caught.clear();
    if (*catches == 1 && scanner.at_end())
        m_caught.add_all();
    while (scanner.accept(';'))
        m_caught.add(*scanner.hex());
    m_reply.put("OK");
    return Next::Reply;
}

bool Session::stops_for_system_call(uint64_t number) const {
    return m_caught.contains(number);
}

} // namespace gdbstub
