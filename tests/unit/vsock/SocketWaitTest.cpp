// AF_VSOCK sockets that wait, on real threads. The short sleeps before somebody speaks let the other thread come to its
// wait first, most of the time; what is expected holds in either order.
#include "Sockets.h"

#include <sys/epoll.h>

#include <cerrno>
#include <thread>

namespace vsock::test {
namespace {

class SocketWaitTest : public SocketTest {
public:
    /// What the guest says next.
    Peer::Heard wait_to_hear() {
        for (;;) {
            auto heard = peer.hear();
            if (!heard.empty())
                return heard.front();
            std::this_thread::yield();
        }
    }
};

TEST_F(SocketWaitTest, AnAcceptWaits) {
    auto port = listening(300);
    int64_t fd = -1;
    std::thread waiter([&] { fd = call(fs::sys_accept, port, nullptr, nullptr); });
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    peer.say(Request, 9, 300);
    waiter.join();
    EXPECT_GE(fd, 0);
}

TEST_F(SocketWaitTest, AReceiveWaitsForAllOrTheEnd) {
    auto fd = accepted();
    std::string got;
    std::thread waiter([&] { got = receive(fd, 10, MSG_WAITALL); });
    for (char c = '0'; c <= '9'; ++c) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        say(Data, std::string(1, c));
    }
    waiter.join();
    EXPECT_EQ(got, "0123456789");
    std::thread second([&] { got = receive(fd, 10, MSG_WAITALL); });
    say(Data, "abc");
    say_shutdown(ShutSend);
    second.join();
    EXPECT_EQ(got, "abc");
}

TEST_F(SocketWaitTest, ASendWaitsForCredit) {
    auto fd = accepted();
    std::string text(1 << 20, '\0');
    for (size_t i = 0; i < text.size(); ++i)
        text[i] = static_cast<char>(i * 7 + i / 251);
    int64_t sent = 0;
    std::thread writer([&] { sent = send(fd, text); });
    std::string all;
    while (all.size() < text.size()) {
        for (auto& heard : peer.hear())
            all += heard.payload;
        say_forwarded(static_cast<uint32_t>(all.size()));
    }
    writer.join();
    EXPECT_EQ(sent, 1 << 20);
    EXPECT_EQ(all, text);
}

TEST_F(SocketWaitTest, ASendWaitsForRoom) {
    auto fd = accepted();
    peer.buffer_size = 100 << 20;
    say_forwarded(0);
    peer.holds = true;
    int64_t sent = 0;
    std::thread writer([&] { sent = send(fd, std::string(4 << 20, 'x')); });
    size_t heard_bytes = 0;
    while (heard_bytes < 4 << 20) {
        for (auto& heard : peer.hear())
            heard_bytes += heard.payload.size();
        peer.give_back();
    }
    writer.join();
    EXPECT_EQ(sent, 4 << 20);
    peer.give_back();
}

TEST_F(SocketWaitTest, AConnectWaits) {
    auto fd = make();
    int64_t result = 1;
    std::thread waiter([&] { result = connect(fd, 77); });
    auto request = wait_to_hear();
    EXPECT_EQ(request.operation(), Request);
    peer.say(Response, 77, request.header.source_port);
    waiter.join();
    EXPECT_EQ(result, 0);

    auto other = make();
    std::thread refused([&] { result = connect(other, 78); });
    request = wait_to_hear();
    peer.say(Reset, 78, request.header.source_port);
    refused.join();
    EXPECT_EQ(result, -ECONNRESET);
    EXPECT_EQ(option<int>(other, SOL_SOCKET, SO_ERROR), 0) << "it has been told";
}

TEST_F(SocketWaitTest, WaitsEndAtTheirTime) {
    auto fd = make();
    timeval soon{0, 2000};
    EXPECT_EQ(set_option(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, soon), 0);
    EXPECT_EQ(connect(fd, 77), -ETIMEDOUT);
    auto peer_answer = peer.hear_one();
    peer.say(Response, 77, peer_answer.header.source_port);
    peer.expect_only(Reset);

    auto connected = accepted();
    EXPECT_EQ(set_option(connected, SOL_SOCKET, SO_RCVTIMEO, soon), 0);
    EXPECT_EQ(set_option(connected, SOL_SOCKET, SO_SNDTIMEO, soon), 0);
    EXPECT_EQ(receive(connected), "EAGAIN");
    EXPECT_EQ(send(connected, std::string(300'000, 'x')), 256 * 1024) << "what went before the time was up";
    EXPECT_EQ(send(connected, "x"), -EAGAIN);
}

TEST_F(SocketWaitTest, AShutdownEndsTheWaitOfOthers) {
    auto fd = accepted();
    std::string got = "?";
    std::thread reader([&] { got = receive(fd); });
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    EXPECT_EQ(call(fs::sys_shutdown, fd, SHUT_RDWR), 0);
    reader.join();
    EXPECT_EQ(got, "");
}

TEST_F(SocketWaitTest, PollAndEpollWait) {
    auto fd = accepted();
    pollfd watched{static_cast<int>(fd), POLLIN, 0};
    int64_t found = 0;
    std::thread poller([&] { found = call(fs::sys_poll, &watched, 1, -1); });
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    say(Data, "x");
    poller.join();
    EXPECT_EQ(found, 1);
    EXPECT_EQ(watched.revents, POLLIN);
    receive(fd);

    auto epoll = call(fs::sys_epoll_create1, 0);
    epoll_event event{EPOLLRDHUP, {.u64 = 7}};
    EXPECT_EQ(call(fs::sys_epoll_ctl, epoll, EPOLL_CTL_ADD, fd, &event), 0);
    std::thread waiter([&] { found = call(fs::sys_epoll_wait, epoll, &event, 1, -1); });
    say(Data, "not what it waits for");
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    say_shutdown(ShutSend);
    waiter.join();
    EXPECT_EQ(found, 1);
    EXPECT_EQ(event.events, unsigned{EPOLLRDHUP});
}

TEST_F(SocketWaitTest, ManyThreadsOnManyConnections) {
    constexpr int count = 8;
    constexpr size_t size = 200'000;
    auto port = listening(400);
    std::vector<std::thread> threads;
    std::vector<std::string> got(count);
    for (int i = 0; i < count; ++i) {
        peer.say(Request, static_cast<uint32_t>(i), 400);
        auto fd = call(fs::sys_accept, port, nullptr, nullptr);
        ASSERT_GE(fd, 0);
        threads.emplace_back([&, i, fd] {
            auto& text = got[static_cast<size_t>(i)];
            while (text.size() < size)
                text += receive(fd, 3000);
            send(fd, text);
            close(fd);
        });
    }
    // The peer keeps to each connection's credit.
    struct Host {
        size_t sent = 0;
        uint32_t credit = 0;
        uint32_t forwarded = 0;
        std::string back;
        bool closed = false;
    };
    std::vector<Host> hosts(count);
    auto byte_of = [](int connection, size_t at) {
        return static_cast<char>(at * 7 + at / 251 + static_cast<size_t>(connection));
    };
    for (int open = count; open > 0;) {
        for (auto& heard : peer.hear()) {
            uint32_t to = heard.header.destination_port;
            auto& host = hosts[to];
            host.credit = heard.header.buffer_size;
            host.forwarded = heard.header.forwarded;
            host.back += heard.payload;
            if (!heard.payload.empty()) {
                peer.forwarded[{to, 400}] = static_cast<uint32_t>(host.back.size());
                peer.say(CreditUpdate, to, 400);
            }
            if (heard.operation() == Shutdown) {
                host.closed = true;
                --open;
                peer.say(Reset, to, 400);
            }
        }
        for (int i = 0; i < count; ++i) {
            auto& host = hosts[static_cast<size_t>(i)];
            auto room = host.credit - (static_cast<uint32_t>(host.sent) - host.forwarded);
            auto part = std::min<size_t>({room, size - host.sent, 4096});
            if (part == 0 || host.closed)
                continue;
            std::string text(part, '\0');
            for (auto& c : text)
                c = byte_of(i, host.sent++);
            peer.say(Data, static_cast<uint32_t>(i), 400, text);
        }
    }
    for (auto& thread : threads)
        thread.join();
    EXPECT_EQ(engine.counters().violations, 0u);
    for (int i = 0; i < count; ++i) {
        auto& text = got[static_cast<size_t>(i)];
        EXPECT_EQ(hosts[static_cast<size_t>(i)].back, text);
        ASSERT_EQ(text.size(), size);
        for (size_t at = 0; at < size; ++at)
            ASSERT_EQ(text[at], byte_of(i, at));
    }
}

} // namespace
} // namespace vsock::test
