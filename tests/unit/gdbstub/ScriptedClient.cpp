#include "tests/unit/gdbstub/ScriptedClient.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "gdbstub/packet/Hex.h"

namespace gdbstub::test {

std::string framed(std::string_view data) {
    unsigned sum = 0;
    for (char c : data)
        sum += static_cast<uint8_t>(c);
    return "$" + std::string(data) + "#" + hex_digit(sum >> 4) + hex_digit(sum);
}

std::string escaped(std::string_view data) {
    std::string out;
    for (char c : data) {
        if (c == '$' || c == '#' || c == '}' || c == '*')
            out += {'}', static_cast<char>(c ^ 0x20)};
        else
            out += c;
    }
    return out;
}

std::string unpacked(std::string_view wire) {
    std::string expanded;
    for (size_t i = 0; i < wire.size(); ++i) {
        if (wire[i] == '*' && !expanded.empty() && i + 1 < wire.size())
            expanded.append(static_cast<size_t>(wire[++i] - 29), expanded.back());
        else
            expanded += wire[i];
    }
    std::string out;
    for (size_t i = 0; i < expanded.size(); ++i)
        out += expanded[i] == '}' ? static_cast<char>(expanded[++i] ^ 0x20) : expanded[i];
    return out;
}

base::Result<size_t> ScriptedTransport::read(std::span<uint8_t> out) {
    if (input.empty()) {
        at_end();
        return base::fail(base::Error::BrokenPipe);
    }
    size_t count = std::min({out.size(), input.size(), portion});
    std::copy_n(input.begin(), count, out.begin());
    input.erase(0, count);
    return count;
}

base::Result<> ScriptedTransport::write(std::span<const uint8_t> bytes) {
    if (writes_left-- == 0)
        return base::fail(base::Error::BrokenPipe);
    ++writes;
    output.append(bytes.begin(), bytes.end());
    return {};
}

Bench::Bench(size_t buffer_size)
    : receive_buffer(buffer_size)
    , reply_buffer(buffer_size)
    , session(target, transport, {receive_buffer, reply_buffer, points, agent_code}) {}

Bench& Bench::raw(std::string_view bytes) {
    transport.input += bytes;
    return *this;
}

Bench& Bench::connect() {
    return raw("+")
        .packet("qSupported:swbreak+;hwbreak+;qRelocInsn+;no-resumed+;xmlRegisters=i386")
        .raw("+")
        .packet("vMustReplyEmpty")
        .raw("+")
        .packet("QStartNoAckMode")
        .raw("+");
}

std::string Bench::ask(std::string_view data) {
    replies();
    packet("QStartNoAckMode").packet(data);
    stop();
    auto all = replies();
    EXPECT_EQ(all.size(), 3U);
    return all.size() == 3 ? all[2] : "(no reply)";
}

std::vector<std::string> Bench::replies() {
    std::vector<std::string> found;
    std::string_view left = transport.output;
    while (!left.empty()) {
        if (left.front() == '+' || left.front() == '-') {
            found.emplace_back(left.substr(0, 1));
            left.remove_prefix(1);
            continue;
        }
        size_t end = left.find('#');
        if (left.front() != '$' || end == std::string_view::npos || end + 3 > left.size()) {
            ADD_FAILURE() << "not a packet: " << left;
            break;
        }
        std::string_view data = left.substr(1, end - 1);
        EXPECT_EQ(framed(data), left.substr(0, end + 3));
        found.push_back(unpacked(data));
        left.remove_prefix(end + 3);
    }
    transport.output.clear();
    return found;
}

} // namespace gdbstub::test
