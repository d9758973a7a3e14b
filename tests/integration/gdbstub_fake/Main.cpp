// Serves the stub for the fake machine over TCP, for a real gdb: gdbstub_fake [--serial] [--held] [--allow-kill]
// [--no-avx] [--bare] [--stops-always]. Prints the port first, what breakpoints' commands print, and what became of the
// program at the end.
//
// --stops-always cannot pass breakpoints, so that it evaluates no conditions.
// --serial keeps the session when a client hangs up, as a serial line does, which cannot tell.

#include <array>
#include <cerrno>
#include <cstdio>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/gdbstub/FakeTarget.h"

namespace {

using namespace gdbstub;

class SocketTransport final : public Transport {
public:
    explicit SocketTransport(bool serial)
        : m_serial(serial) {
        m_listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof(address);
        if (bind(m_listener, reinterpret_cast<sockaddr*>(&address), length) != 0 || listen(m_listener, 1) != 0 ||
            getsockname(m_listener, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
            std::perror("gdbstub_fake");
            _exit(125);
        }
        std::printf("port %d\n", ntohs(address.sin_port));
        std::fflush(stdout);
    }

    base::Result<size_t> read(std::span<uint8_t> out) override {
        if (m_connection < 0)
            m_connection = accept4(m_listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (m_connection < 0)
            return 0;
        ssize_t count = recv(m_connection, out.data(), out.size(), 0);
        if (count > 0)
            return static_cast<size_t>(count);
        if (count < 0 && errno == EAGAIN)
            return 0;
        hang_up();
        if (m_serial)
            return 0;
        return base::fail(base::Error::BrokenPipe);
    }

    base::Result<> write(std::span<const uint8_t> bytes) override {
        while (!bytes.empty() && m_connection >= 0) {
            ssize_t count = send(m_connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (count > 0)
                bytes = bytes.subspan(static_cast<size_t>(count));
            else if (errno != EAGAIN)
                hang_up();
        }
        if (m_connection < 0 && !m_serial)
            return base::fail(base::Error::BrokenPipe);
        return {};
    }

    void idle() override { usleep(100); }

private:
    void hang_up() {
        close(m_connection);
        m_connection = -1;
    }

    bool m_serial;
    int m_listener = -1;
    int m_connection = -1;
};

} // namespace

int main(int argc, char** argv) {
    bool serial = false, held = false, passes = true;
    test::FakeTarget target;
    for (std::string_view option : std::span(argv + 1, argv + argc)) {
        if (option == "--serial")
            serial = true;
        else if (option == "--held")
            held = true;
        else if (option == "--allow-kill")
            target.may_kill = true;
        else if (option == "--stops-always")
            passes = false;
        else if (option == "--no-avx")
            target.has_avx = false;
        else if (option == "--bare")
            target.offers_optional_parts = false;
        else
            return 125;
    }
    target.executable_path.clear();
    // At 0x10040: count in al and store it; at 0x10060: end with al; at 0x10070: nothing this machine knows; at
    // 0x10080: count in al and store it, over and over.
    target.load(0x10040, {0x04, 0x01, 0xaa, 0x90, 0xeb, 0xfd});
    target.load(0x10060, {0xf4});
    target.load(0x10070, {0x0f, 0x0b});
    target.load(0x10080, {0x04, 0x01, 0xaa, 0x90, 0xeb, 0xfa});

    SocketTransport transport(serial);
    std::vector<uint8_t> receive(16384), reply(16384);
    std::array<PointRecord, 16> points;
    std::array<uint8_t, 1024> agent_code;
    Session session(target, transport, {receive, reply, points, agent_code});

    if (passes)
        target.judge_by(session);

    auto show_printed = [&target] {
        std::fputs(target.printed.c_str(), stdout);
        std::fflush(stdout);
        target.printed.clear();
    };
    auto poll = [&] {
        std::array<uint8_t, 256> bytes;
        auto count = transport.read(bytes);
        if (count)
            session.feed(std::span(bytes).first(*count));
        else if (session.attached())
            target.request_stop(); // a link that broke: the stopped session finds out by itself, and detaches
        show_printed();
        transport.idle();
    };

    ResumePlan everything;
    if (!everything.add(ResumePlan::every_thread, {}))
        return 125;
    const ResumePlan* plan = held ? &session.run_stopped({.thread = 1}) : &everything;
    for (;;) {
        if (plan->outcome == Outcome::Kill) {
            std::puts("killed");
            return 0;
        }
        test::Halt halt = target.run(*plan, poll);
        show_printed();
        for (const std::string& line : target.log)
            std::puts(line.c_str());
        std::fflush(stdout);
        target.log.clear();
        if (halt.exit_status) {
            session.report_exit(*halt.exit_status);
            std::printf("exited %d\n", *halt.exit_status);
            return 0;
        }
        plan = &session.run_stopped(*halt.stop);
    }
}
