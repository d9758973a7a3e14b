// Any bytes at all from gdb's side: the session answers in well-formed packets, comes to an end, and leaves no
// breakpoint behind but those whose commands are to go on.
//
// The first byte says how the rest is delivered. Bit 0: as lines, of which each is framed as a packet (what the seeds
// are, and how a mutation gets past the checksum); otherwise raw. Bits 1 to 3: how much a read gives. Bit 4: the target
// offers no optional parts. Bit 5: the first bytes arrive while the target runs. Bit 6: the client only observes, while
// the target runs; bit 7: the target can be read meanwhile. A line of nothing but a heartbeat is not framed, nor is one
// of nothing but 0x15, which stands for a time in which nothing comes.

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "gdbstub/packet/Hex.h"
#include "libos/base/Assert.h"
#include "tests/unit/gdbstub/FakeTarget.h"

namespace {

using namespace gdbstub;

constexpr char heartbeat = static_cast<char>(PacketReceiver::heartbeat);
constexpr char silence = 0x15;

class FuzzTransport final : public Transport {
public:
    FuzzTransport(std::string input, size_t portion)
        : m_input(std::move(input))
        , m_portion(portion) {}

    base::Result<size_t> read(std::span<uint8_t> out) override {
        if (m_at == m_input.size())
            return base::fail(base::Error::BrokenPipe);
        if (m_input[m_at] == silence && m_session->client_sends_heartbeats()) {
            ++m_at;
            m_session->client_fell_silent();
            return base::fail(base::Error::TimedOut);
        }
        return take(out);
    }

    base::Result<> write(std::span<const uint8_t> bytes) override {
        m_output.append(bytes.begin(), bytes.end());
        return {};
    }

    size_t take(std::span<uint8_t> out) {
        size_t count = std::min({out.size(), m_portion, m_input.size() - m_at});
        std::copy_n(m_input.begin() + static_cast<std::ptrdiff_t>(m_at), count, out.begin());
        m_at += count;
        return count;
    }

    /// Before the first read().
    void set_session(Session& session) { m_session = &session; }

    bool at_end() const { return m_at == m_input.size(); }

    /// What was sent is acknowledgements and packets with right checksums, and nothing else.
    void check_output() {
        size_t at = 0;
        while (at < m_output.size()) {
            char c = m_output[at++];
            if (c == '+' || c == '-')
                continue;
            ASSERT(c == '$');
            unsigned sum = 0;
            for (; at < m_output.size() && m_output[at] != '#'; ++at) {
                ASSERT(m_output[at] != '$');
                sum += static_cast<uint8_t>(m_output[at]);
            }
            ASSERT(at + 3 <= m_output.size());
            ASSERT(m_output[at + 1] == hex_digit(sum >> 4) && m_output[at + 2] == hex_digit(sum));
            at += 3;
        }
        m_output.clear();
    }

private:
    Session* m_session = nullptr;
    std::string m_input;
    std::string m_output;
    size_t m_at = 0;
    size_t m_portion;
};

std::string frame_lines(std::string_view lines) {
    std::string out;
    size_t at = 0;
    while (at < lines.size()) {
        size_t end = std::min(lines.find('\n', at), lines.size());
        if (end == at + 1 && (lines[at] == heartbeat || lines[at] == silence)) {
            out += lines[at];
            at = end + 1;
            continue;
        }
        unsigned sum = 0;
        std::string data;
        for (char c : lines.substr(at, end - at))
            if (c == '$' || c == '#')
                data += {'}', static_cast<char>(c ^ 0x20)};
            else
                data += c;
        for (char c : data)
            sum += static_cast<uint8_t>(c);
        out += '$' + data + '#' + hex_digit(sum >> 4) + hex_digit(sum);
        at = end + 1;
    }
    return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0)
        return 0;
    uint8_t mode = data[0];
    std::string_view rest(reinterpret_cast<const char*>(data + 1), size - 1);
    FuzzTransport transport((mode & 1) != 0 ? frame_lines(rest) : std::string(rest), size_t{1} << (mode >> 1 & 7));

    test::FakeTarget target;
    target.offers_optional_parts = (mode & 0x10) == 0;
    target.may_kill = true;
    std::array<uint8_t, Session::smallest_buffer> receive, reply;
    std::array<PointRecord, 4> points;
    std::array<uint8_t, 128> agent_code;
    Session session(target, transport, {receive, reply, points, agent_code});
    transport.set_session(session);
    target.judge_by(session);

    if ((mode & 0x40) != 0) {
        session.set_access(Access::Observe);
        target.offers_live = (mode & 0x80) != 0;
        auto memory = target.memory;
        while (!transport.at_end()) {
            std::array<uint8_t, 16> bytes;
            session.feed(std::span(bytes).first(transport.take(bytes)));
            if (target.service_requests > 0)
                session.serve_running();
            transport.check_output();
        }
        ASSERT(target.memory == memory && target.register_writes == 0 && target.stop_requests == 0);
        ASSERT(target.inserted_breakpoints.empty() && target.inserted_points.empty() && target.log.empty());
        return 0;
    }

    ResumePlan everything;
    ASSERT(everything.add(ResumePlan::every_thread, {}));
    const ResumePlan* plan = (mode & 0x20) != 0 ? &everything : &session.run_stopped({.thread = 1});
    while (true) {
        transport.check_output();
        if (plan->outcome != Outcome::Resume) {
            ASSERT(session.has_points_left_behind() ||
                   (target.inserted_breakpoints.empty() && target.inserted_points.empty()));
            ASSERT(!session.attached());
        }
        if (plan->outcome == Outcome::Kill || transport.at_end())
            return 0;
        auto receive_some = [&] {
            std::array<uint8_t, 16> bytes;
            session.feed(std::span(bytes).first(transport.take(bytes)));
        };
        receive_some(); // also where the machine stops at once: a range step may go on for ever
        test::Halt halt = target.run(*plan, receive_some, 64);
        ASSERT(target.log.empty() || target.log.front() != "breakpoint inserted twice");
        ASSERT(target.log.empty() || target.log.front() != "unknown breakpoint removed");
        target.log.clear();
        if (halt.exit_status) {
            session.report_exit(*halt.exit_status);
            return 0;
        }
        plan = &session.run_stopped(*halt.stop);
    }
}
