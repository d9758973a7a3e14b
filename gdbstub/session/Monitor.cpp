// qRcmd, gdb's `monitor`: GDB manual, "General Query Packets". Output goes out in `O` packets, as many as it takes;
// then `OK`.

#include <array>

#include "gdbstub/Session.h"
#include "gdbstub/packet/Hex.h"

namespace gdbstub {

namespace {

constexpr size_t longest_command = 256;
constexpr std::string_view own_help =
    "why                   why the last request was refused, or a condition not evaluated\n"
    "breakpoints           what is inserted now, and how often it was met\n"
    "breakpoints clear     removes those that a debugger that is gone has left, for their commands\n";

std::string_view trim(std::string_view text) {
    while (!text.empty() && text.front() == ' ')
        text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ')
        text.remove_suffix(1);
    return text;
}

} // namespace

class Session::TextOutput final : public MonitorOutput {
public:
    explicit TextOutput(Session& session)
        : m_session(session) {}

    MonitorOutput& put(std::string_view text) override {
        for (char c : text) {
            Reply& reply = m_session.m_reply;
            if (reply.room() < 2)
                flush();
            if (reply.empty())
                reply.put('O');
            reply.hex_byte(static_cast<uint8_t>(c));
        }
        return *this;
    }

    void flush() {
        if (m_session.m_reply.empty())
            return;
        m_session.send();
        m_session.m_reply.clear();
    }

private:
    Session& m_session;
};

Session::Handled Session::handle(const MonitorCommand& command) {
    if (!is_hex_bytes(command.hex_untrusted))
        return refuse(base::Error::Invalid, "The command is not in hexadecimal.");
    if (command.hex_untrusted.size() > 2 * longest_command)
        return refuse(base::Error::TooBig, "The command is too long.");
    std::array<uint8_t, longest_command> bytes;
    size_t length = command.hex_untrusted.size() / 2;
    decode_hex(command.hex_untrusted, std::span(bytes).first(length));
    std::string_view text = trim({reinterpret_cast<const char*>(bytes.data()), length});

    tell_audit([text](Audit& audit) { audit.monitor_command(text); });
    TextOutput output(*this);
    if (text == "why") {
        if (m_refusal_length == 0)
            output.put("Nothing has been refused.\n");
        else
            output.put({m_refusal, m_refusal_length}).put("\n");
    } else if (text == "breakpoints") {
        list_points(output);
    } else if (text == "breakpoints clear") {
        remove_points(true);
    } else {
        Monitor* monitor = m_target.monitor();
        if (monitor == nullptr && text != "help")
            return Next::Unsupported;
        if (text == "help")
            output.put(own_help);
        if (monitor != nullptr)
            if (auto executed = monitor->execute(text, output); !executed) {
                output.flush();
                return std::unexpected(executed.error());
            }
    }
    output.flush();
    m_reply.put("OK");
    return Next::Reply;
}

} // namespace gdbstub
