#include "tracer/link/Link.h"

#include "tests/unit/tracer/instance/TemporaryDirectory.h"
#include "tracer/link/InstanceLink.h"
#include "tracer/link/SshLink.h"
#include "tracer/link/UnixLink.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include <atomic>
#include <thread>

using namespace tracer;
using std::chrono::milliseconds;

namespace {

/// A Unix socket that answers each connection's first line as it was told.
class LineServer {
public:
    LineServer(const std::filesystem::path& path, std::function<std::string(const std::string&)> answer)
        : m_answer(std::move(answer)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::copy_n(path.c_str(), path.native().size(), address.sun_path);
        m_listener = FileDescriptor(socket(AF_UNIX, SOCK_STREAM, 0));
        EXPECT_EQ(bind(m_listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        EXPECT_EQ(listen(m_listener.get(), 8), 0);
        m_thread = std::jthread([this](const std::stop_token& stop) { serve(stop); });
    }

    int connections() const { return m_connections; }

private:
    void serve(const std::stop_token& stop) {
        std::vector<FileDescriptor> kept;
        while (!stop.stop_requested()) {
            pollfd entry{m_listener.get(), POLLIN, 0};
            if (poll(&entry, 1, 20) <= 0)
                continue;
            FileDescriptor client(accept(m_listener.get(), nullptr, nullptr));
            ++m_connections;
            std::string line;
            char letter = 0;
            while (read(client.get(), &letter, 1) == 1 && letter != '\n')
                line += letter;
            const std::string answer = m_answer(line);
            if (answer.empty())
                continue; // closed without a word
            EXPECT_EQ(write(client.get(), answer.data(), answer.size()), static_cast<ssize_t>(answer.size()));
            kept.push_back(std::move(client));
        }
    }

    std::function<std::string(const std::string&)> m_answer;
    FileDescriptor m_listener;
    std::atomic<int> m_connections = 0;
    std::jthread m_thread;
};

std::string read_text(int descriptor, size_t size) {
    std::string text(size, '\0');
    size_t got = 0;
    while (got < size) {
        pollfd entry{descriptor, POLLIN, 0};
        if (poll(&entry, 1, 5000) <= 0)
            break;
        const ssize_t count = read(descriptor, text.data() + got, size - got);
        if (count <= 0)
            break;
        got += static_cast<size_t>(count);
    }
    text.resize(got);
    return text;
}

const OpenOptions short_time{.timeout = milliseconds(300), .steal = false, .stop = {}};

class LinkTest : public TemporaryDirectory {
protected:
    Result<FileDescriptor> open(const std::string& endpoint, ChannelName channel, const OpenOptions& options = {}) {
        m_link = make_link(parse_endpoint(endpoint).value());
        return m_link->open(channel, options);
    }

    void assert_fails(const Result<FileDescriptor>& opened, std::string_view complaint) {
        ASSERT_FALSE(opened);
        EXPECT_NE(opened.error().message.find(complaint), std::string::npos) << opened.error().message;
    }

    std::unique_ptr<Link> m_link;
};

} // namespace

// unix: with a socket

TEST_F(LinkTest, TheHypervisorIsAskedForTheChannelsPort) {
    const LineServer server(
        m_directory / "v", [](const std::string& line) { return line == "CONNECT 6602" ? "OK 1073741824\n$T05" : ""; });
    const auto gdb = open("unix:" + (m_directory / "v").string(), ChannelName::Gdb);
    ASSERT_TRUE(gdb) << gdb.error().message;
    EXPECT_EQ(m_link->kind(), "vsock");
    // Not a byte behind the answer is swallowed.
    EXPECT_EQ(read_text(gdb->get(), 4), "$T05");
}

TEST_F(LinkTest, AGuestThatRefusesIsAskedAgainAndThenNamed) {
    const LineServer server(m_directory / "v", [](const std::string&) { return ""; });
    assert_fails(open("unix:" + (m_directory / "v").string(), ChannelName::Trace),
                 "does not accept on vsock port 6603");
    EXPECT_EQ(server.connections(), 3);
}

TEST_F(LinkTest, AnotherServersAnswerIsNoHypervisors) {
    const LineServer server(m_directory / "v", [](const std::string&) { return "HTTP/1.1 400 Bad Request\n"; });
    assert_fails(open("unix:" + (m_directory / "v").string(), ChannelName::Gdb), "no socket of a vsock device");
    for (const char* answer : {"", "OK", "OK ", "OK x", "OK 1 ", "ok 1", "OK -1", "OK1"})
        EXPECT_FALSE(is_connect_answer(answer)) << answer;
    EXPECT_TRUE(is_connect_answer("OK 0"));
}

TEST_F(LinkTest, SilenceEndsWithTheTimeAndWithTheStop) {
    std::atomic<bool> over = false;
    const LineServer server(m_directory / "v", [&](const std::string&) {
        while (!over)
            std::this_thread::sleep_for(milliseconds(5));
        return std::string();
    });
    assert_fails(open("unix:" + (m_directory / "v").string(), ChannelName::Gdb, short_time), "does not answer");
    std::stop_source stop;
    stop.request_stop();
    assert_fails(open("unix:" + (m_directory / "v").string(), ChannelName::Gdb,
                      {.timeout = std::chrono::hours(1), .steal = false, .stop = stop.get_token()}),
                 "does not answer");
    over = true;
}

TEST_F(LinkTest, NobodyThereIsSaid) {
    assert_fails(open("unix:" + (m_directory / "none").string(), ChannelName::Gdb), "there is no");
    write(m_directory / "file", "");
    assert_fails(open("unix:" + (m_directory / "file").string(), ChannelName::Gdb), "cannot connect to");
    assert_fails(open("unix:" + m_directory.string() + "/" + std::string(120, 'x'), ChannelName::Gdb), "there is no");
}

// unix: with a directory

TEST_F(LinkTest, ADirectoryHasOneSocketAPort) {
    const LineServer server(m_directory / "uniscope.control", [](const std::string& line) { return line + "\n"; });
    const auto control = open("unix:" + m_directory.string(), ChannelName::Control);
    ASSERT_TRUE(control) << control.error().message;
    EXPECT_EQ(m_link->kind(), "virtio-serial");
    EXPECT_TRUE(m_link->has(ChannelName::Control));
    EXPECT_FALSE(m_link->has(ChannelName::Gdb));
    ASSERT_EQ(::write(control->get(), "x\n", 2), 2);
    EXPECT_EQ(read_text(control->get(), 2), "x\n");
    assert_fails(m_link->open(ChannelName::Gdb, {}), "has no socket uniscope.gdb");
}

TEST_F(LinkTest, ASupervisorsSocketsAreALinkToo) {
    const LineServer server(m_directory / "gdb.sock", [](const std::string& line) { return line + "!"; });
    InstanceLink link(m_directory, "shop");
    const auto gdb = link.open(ChannelName::Gdb);
    ASSERT_TRUE(gdb);
    ASSERT_EQ(::write(gdb->get(), "x\n", 2), 2);
    EXPECT_EQ(read_text(gdb->get(), 2), "x!");
    EXPECT_FALSE(link.has(ChannelName::Crash));
    assert_fails(link.open(ChannelName::Trace), "cannot connect to shop");
}

// serial: and tcp:

TEST_F(LinkTest, ATerminalIsMadeRawAndLocked) {
    const FileDescriptor master(posix_openpt(O_RDWR | O_NOCTTY));
    ASSERT_EQ(grantpt(master.get()), 0);
    ASSERT_EQ(unlockpt(master.get()), 0);
    const std::string path = ptsname(master.get());
    const auto line = open("serial:" + path + ",raw", ChannelName::Gdb);
    ASSERT_TRUE(line) << line.error().message;
    EXPECT_EQ(m_link->kind(), "serial");
    termios settings{};
    ASSERT_EQ(tcgetattr(line->get(), &settings), 0);
    EXPECT_EQ(settings.c_lflag & (ECHO | ICANON | ISIG), 0u);
    EXPECT_EQ(cfgetospeed(&settings), static_cast<speed_t>(B115200));
    // Every byte arrives as it was sent, both ways.
    const std::string bytes("\x03\x04\r\n\x11\x13\xff\0a", 9);
    ASSERT_EQ(::write(line->get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    EXPECT_EQ(read_text(master.get(), bytes.size()), bytes);
    ASSERT_EQ(::write(master.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    EXPECT_EQ(read_text(line->get(), bytes.size()), bytes);
    assert_fails(m_link->open(ChannelName::Gdb, {}), "is used by another program");
    assert_fails(open("serial:" + path, ChannelName::Control), "it has no control");
    assert_fails(open("serial:" + path + ",mux", ChannelName::Control), "is used by another program");
    assert_fails(open("serial:" + path + ",12345", ChannelName::Gdb), "is used by another program");
}

TEST_F(LinkTest, ALineMayBeASocket) {
    const LineServer server(m_directory / "line", [](const std::string& line) { return line + "\n"; });
    const auto line = open("serial:" + (m_directory / "line").string() + ",raw", ChannelName::Gdb);
    ASSERT_TRUE(line) << line.error().message;
    ASSERT_EQ(::write(line->get(), "?\n", 2), 2);
    EXPECT_EQ(read_text(line->get(), 2), "?\n");
    write(m_directory / "file", "");
    assert_fails(open("serial:" + (m_directory / "file").string(), ChannelName::Gdb), "neither a terminal");
    assert_fails(open("serial:" + (m_directory / "none").string(), ChannelName::Gdb), "cannot open");
    assert_fails(open("serial:/dev/null", ChannelName::Gdb), "cannot read the settings");
}

TEST_F(LinkTest, ALineMayRunOverTcp) {
    const FileDescriptor listener(socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    socklen_t size = sizeof address;
    ASSERT_EQ(getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    const std::string endpoint = "tcp:127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    assert_fails(open(endpoint, ChannelName::Gdb), "cannot connect to 127.0.0.1");
    ASSERT_EQ(listen(listener.get(), 1), 0);
    const auto line = open(endpoint + ",raw", ChannelName::Gdb);
    ASSERT_TRUE(line) << line.error().message;
    const FileDescriptor server(accept(listener.get(), nullptr, nullptr));
    ASSERT_EQ(::write(server.get(), "hi", 2), 2);
    EXPECT_EQ(read_text(line->get(), 2), "hi");
    assert_fails(open("tcp:no-such-host.invalid:1", ChannelName::Gdb), "there is no host");
}

TEST_F(LinkTest, NoGuestOfThatContextId) {
    assert_fails(open("vsock:123456", ChannelName::Gdb, short_time), "vsock:123456 port 6602 (gdb)");
}

// ssh:

namespace {

class SshTest : public LinkTest {
protected:
    void SetUp() override {
        LinkTest::SetUp();
        m_path = std::getenv("PATH");
        setenv("PATH", (m_directory.string() + ":" + m_path).c_str(), 1);
    }
    void TearDown() override {
        m_link.reset();
        setenv("PATH", m_path.c_str(), 1);
        LinkTest::TearDown();
    }
    void fake_ssh(const std::string& script) {
        write(m_directory / "ssh", "#!/bin/sh\n" + script);
        ASSERT_EQ(chmod((m_directory / "ssh").c_str(), 0755), 0);
    }
    std::string m_path;
};

} // namespace

TEST_F(SshTest, TheOtherHostsProxyIsTheChannel) {
    fake_ssh("echo \"$*\" > '" + (m_directory / "words").string() + "'\necho uniscope-proxy 1\nexec cat\n");
    const auto gdb = open("ssh://ann@h:2222/system/shop", ChannelName::Gdb,
                          {.timeout = milliseconds(5000), .steal = true, .stop = {}});
    ASSERT_TRUE(gdb) << gdb.error().message;
    EXPECT_EQ(m_link->kind(), "ssh");
    EXPECT_EQ(read(m_directory / "words"),
              "-T -o BatchMode=yes -p 2222 -- ann@h uniscope proxy --steal system/shop gdb\n");
    ASSERT_EQ(::write(gdb->get(), "$?#3f", 5), 5);
    EXPECT_EQ(read_text(gdb->get(), 5), "$?#3f");
    EXPECT_FALSE(m_link->has(ChannelName::Crash));
}

TEST_F(SshTest, WhatSshSaysIsShown) {
    fake_ssh("echo 'ann@h: Permission denied (publickey).' >&2\nexit 255\n");
    const auto refused = open("ssh://h/shop", ChannelName::Control);
    assert_fails(refused, "cannot reach shop on h: ann@h: Permission denied (publickey).");
    EXPECT_NE(refused.error().hint.find("ssh h uniscope ps"), std::string::npos);
    fake_ssh("exit 1\n");
    assert_fails(open("ssh://h/shop", ChannelName::Control), "ssh ended without a word");
    fake_ssh("echo Welcome to h\nexec sleep 100\n");
    assert_fails(open("ssh://h/shop", ChannelName::Control), "the login printed `Welcome to h`");
    setenv("PATH", "/nowhere", 1);
    assert_fails(open("ssh://h/shop", ChannelName::Control), "cannot run ssh");
}
