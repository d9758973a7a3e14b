#include "tracer/vsock/HostClient.h"

#include "tests/unit/tracer/instance/TemporaryDirectory.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <thread>

using namespace tracer::vsock;
using namespace std::chrono_literals;
using tracer::FileDescriptor;

namespace {

/// A server of the convention that answers each connection as the test says.
class HostClientTest : public TemporaryDirectory {
protected:
    void serve(std::vector<std::string> answers) {
        m_path = m_directory / "uds";
        m_listener = FileDescriptor(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, m_path.c_str(), sizeof address.sun_path - 1);
        ASSERT_EQ(bind(m_listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        ASSERT_EQ(listen(m_listener.get(), 8), 0);
        m_server = std::jthread([this, answers = std::move(answers)] {
            for (const std::string& answer : answers) {
                FileDescriptor client(accept(m_listener.get(), nullptr, nullptr));
                std::string line;
                for (char letter = 0; letter != '\n' && recv(client.get(), &letter, 1, 0) == 1;)
                    line += letter;
                m_lines.push_back(line);
                (void)!::send(client.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
                if (answer.find('\n') != answer.npos || answer == "silence") {
                    char byte;
                    (void)!recv(client.get(), &byte, 1, 0); // until the client goes
                }
            }
        });
    }
    void TearDown() override {
        if (m_server.joinable())
            m_server.join();
        TemporaryDirectory::TearDown();
    }

    std::filesystem::path m_path;
    FileDescriptor m_listener;
    std::vector<std::string> m_lines;
    std::jthread m_server;
};

} // namespace

TEST_F(HostClientTest, ConnectsAndSwallowsNothing) {
    serve({"OK 1073741824\nfirst bytes"});
    {
        const auto socket = connect_vsock_uds(m_path, 52, 5s);
        ASSERT_TRUE(socket) << socket.error().message;
        char bytes[32];
        EXPECT_EQ(std::string_view(bytes, static_cast<size_t>(recv(socket->get(), bytes, sizeof bytes, 0))),
                  "first bytes");
    }
    m_server.join();
    EXPECT_EQ(m_lines, std::vector<std::string>{"CONNECT 52\n"});
}

TEST_F(HostClientTest, ARefusalIsTriedAgain) {
    serve({"", "", "OK 1\n"});
    EXPECT_TRUE(connect_vsock_uds(m_path, 1, 5s));
    m_server.join();
    EXPECT_EQ(m_lines.size(), 3u);
}

TEST_F(HostClientTest, ARefusalThatLastsIsToldInASentence) {
    serve({"", "", "", ""});
    const auto socket = connect_vsock_uds(m_path, 77, 120ms);
    ASSERT_FALSE(socket);
    EXPECT_NE(socket.error().message.find("port 77"), std::string::npos) << socket.error().message;
    while (m_lines.size() < 4)
        (void)connect_vsock_uds(m_path, 77, 0ms);
}

TEST_F(HostClientTest, AnswersThatAreNone) {
    serve({"HTTP/1.1 400 Bad Request\n", "a very long answer without any end of a line in it\n"});
    const auto first = connect_vsock_uds(m_path, 1, 5s);
    ASSERT_FALSE(first);
    EXPECT_NE(first.error().message.find("HTTP/1.1"), std::string::npos) << first.error().message;
    EXPECT_FALSE(connect_vsock_uds(m_path, 1, 5s));
}

TEST_F(HostClientTest, SilenceEndsWithTheTime) {
    serve({"silence"});
    const auto socket = connect_vsock_uds(m_path, 1, 50ms);
    ASSERT_FALSE(socket);
    EXPECT_NE(socket.error().message.find("did not answer in time"), std::string::npos) << socket.error().message;
}

TEST_F(HostClientTest, NoSocketAtAll) {
    const auto socket = connect_vsock_uds(m_directory / "nothing", 1, 5s);
    ASSERT_FALSE(socket);
    EXPECT_NE(socket.error().message.find("No such file"), std::string::npos) << socket.error().message;
    EXPECT_FALSE(connect_vsock_uds(m_directory / std::string(120, 'x'), 1, 5s));
}

TEST_F(HostClientTest, ACidWithoutAGuestIsToldInWords) {
    const auto socket = connect_vsock_cid(0xfffffffe, 1, 100ms);
    ASSERT_FALSE(socket);
    EXPECT_NE(socket.error().hint, "");
}
