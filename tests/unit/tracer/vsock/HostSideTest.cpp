#include "tracer/vsock/HostSide.h"

#include "tests/unit/tracer/instance/TemporaryDirectory.h"
#include "tests/unit/tracer/vsock/FakeQemu.h"

#include <sys/socket.h>
#include <sys/stat.h>

using namespace tracer::vsock;
using tracer::FileDescriptor;

namespace {

class HostSideTest : public TemporaryDirectory {
protected:
    void SetUp() override {
        TemporaryDirectory::SetUp();
        m_path = m_directory / "uds";
        m_side = HostSide::create(m_loop, m_path, [this](uint32_t port, FileDescriptor client) {
                     m_ports.push_back(port);
                     m_taken.push_back(std::move(client));
                 }).value();
    }
    FileDescriptor client() { return connect_local(m_path, "the host side").value(); }
    void say(const FileDescriptor& socket, std::string_view text) {
        ASSERT_EQ(send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
        test::settle(m_loop);
    }
    static bool was_closed(const FileDescriptor& socket) {
        char byte;
        const ssize_t size = recv(socket.get(), &byte, 1, MSG_DONTWAIT);
        return size == 0 || (size < 0 && errno == ECONNRESET);
    }

    asio::io_context m_loop;
    std::filesystem::path m_path;
    std::unique_ptr<HostSide> m_side;
    std::vector<uint32_t> m_ports;
    std::vector<FileDescriptor> m_taken;
};

} // namespace

TEST(ConnectLine, IsStrict) {
    EXPECT_EQ(parse_connect_line("CONNECT 0\n"), 0u);
    EXPECT_EQ(parse_connect_line("CONNECT 4294967295\n"), 4294967295u);
    EXPECT_EQ(parse_connect_line("CONNECT 80\r\n"), 80u);
    for (const char* line : {"", "\n", "CONNECT\n", "CONNECT \n", "CONNECT 80", "CONNECT 4294967296\n", "CONNECT -1\n",
                             "CONNECT +1\n", "CONNECT 8 0\n", "CONNECT 80 \n", "CONNECT  80\n", "connect 80\n",
                             "CONNECT 0x50\n", "GET / HTTP/1.1\n", "CONNECT 80\r\r\n"})
        EXPECT_EQ(parse_connect_line(line), std::nullopt) << line;
}

TEST_F(HostSideTest, TheLineAndNotAByteMore) {
    const auto socket = client();
    say(socket, "CONNECT 52\nand this is the stream's");
    ASSERT_EQ(m_ports, std::vector<uint32_t>{52});
    char rest[64];
    EXPECT_EQ(std::string_view(rest, static_cast<size_t>(recv(m_taken[0].get(), rest, sizeof rest, MSG_DONTWAIT))),
              "and this is the stream's");
}

TEST_F(HostSideTest, TheLineMayComeInPieces) {
    const auto socket = client();
    for (const char letter : std::string_view("CONNECT 1234\n")) {
        EXPECT_TRUE(m_ports.empty());
        say(socket, std::string_view(&letter, 1));
    }
    EXPECT_EQ(m_ports, std::vector<uint32_t>{1234});
}

TEST_F(HostSideTest, WhoSpeaksOtherwiseIsClosed) {
    for (const char* text :
         {"GET / HTTP/1.1\r\n\r\n", "CONNECT 5000000000\n", "\n", "an endless line that never ends at all"}) {
        const auto socket = client();
        say(socket, text);
        EXPECT_TRUE(was_closed(socket)) << text;
    }
    const auto socket = client();
    shutdown(socket.get(), SHUT_WR);
    test::settle(m_loop);
    EXPECT_TRUE(was_closed(socket));
    EXPECT_TRUE(m_ports.empty());
}

TEST_F(HostSideTest, ThoseWhoSayNothingAreBounded) {
    std::vector<FileDescriptor> silent;
    for (int i = 0; i < 100; ++i) {
        silent.push_back(client());
        test::settle(m_loop);
    }
    EXPECT_FALSE(was_closed(silent[0]));
    EXPECT_TRUE(was_closed(silent[99]));
    silent.erase(silent.begin(), silent.begin() + 10);
    test::settle(m_loop);
    const auto socket = client();
    say(socket, "CONNECT 1\n");
    EXPECT_EQ(m_ports.size(), 1u);
}

TEST_F(HostSideTest, TheGuestsConnectionsGoToAListenerByItsPort) {
    EXPECT_FALSE(m_side->open(5)) << "nobody listens";
    bool came = false;
    const auto listener = LocalListener::create(m_loop, m_path.string() + "_5", [&](FileDescriptor) { came = true; });
    ASSERT_TRUE(listener);
    EXPECT_TRUE(m_side->open(5));
    test::settle(m_loop);
    EXPECT_TRUE(came);
}

TEST_F(HostSideTest, OnlyTheUserReachesTheSocketAndItGoesWithTheObject) {
    struct stat status{};
    ASSERT_EQ(stat(m_path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
    m_side.reset();
    EXPECT_FALSE(std::filesystem::exists(m_path));
}

TEST_F(HostSideTest, WhatIsInTheWay) {
    const auto create = [this](const std::filesystem::path& path) {
        return HostSide::create(m_loop, path, [](uint32_t, FileDescriptor) {});
    };
    const auto busy = create(m_path);
    ASSERT_FALSE(busy);
    EXPECT_NE(busy.error().message.find("another process listens"), std::string::npos);
    write(m_directory / "file", "precious");
    EXPECT_FALSE(create(m_directory / "file"));
    EXPECT_EQ(read(m_directory / "file"), "precious");
    // What a killed process leaves: a socket file without a listener.
    const auto left = m_directory / "left";
    {
        const auto listener = LocalListener::create(m_loop, left, [](FileDescriptor) {});
        ASSERT_TRUE(listener);
        std::filesystem::rename(left, m_directory / "other");
    }
    std::filesystem::rename(m_directory / "other", left);
    EXPECT_TRUE(create(left));
}
