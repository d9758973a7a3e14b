// AF_VSOCK: connections, bytes, readiness and options. What needs no peer is compared with Linux in an image
// (tests/integration/vsock_test.py).
#include "Sockets.h"

#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

#include <cerrno>

namespace vsock::test {
namespace {

TEST_F(SocketTest, AcceptsAndTalks) {
    auto port = listening(100);
    EXPECT_EQ(ready(port), 0);
    peer.say(Request, 9, 100);
    EXPECT_EQ(ready(port), POLLIN);
    sockaddr_vm name{};
    socklen_t length = sizeof(name);
    auto fd = call(fs::sys_accept4, port, &name, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    ASSERT_GE(fd, 0);
    EXPECT_EQ(length, sizeof(name));
    EXPECT_EQ(name.svm_family, AF_VSOCK);
    EXPECT_EQ(name.svm_cid, unsigned{VMADDR_CID_HOST});
    EXPECT_EQ(name.svm_port, 9u);
    EXPECT_EQ(call(fs::sys_fcntl, fd, F_GETFL), O_RDWR | O_NONBLOCK);
    EXPECT_EQ(call(fs::sys_fcntl, fd, F_GETFD), FD_CLOEXEC);
    EXPECT_EQ(call(fs::sys_getsockname, fd, &name, &length), 0);
    EXPECT_EQ(name.svm_cid, Peer::guest_cid);
    EXPECT_EQ(name.svm_port, 100u);
    EXPECT_EQ(call(fs::sys_getpeername, fd, &name, &length), 0);
    EXPECT_EQ(name.svm_port, 9u);
    peer.hear();

    EXPECT_EQ(ready(fd), POLLOUT);
    EXPECT_EQ(receive(fd), "EAGAIN");
    peer.say(Data, 9, 100, "question");
    EXPECT_EQ(ready(fd), POLLIN | POLLOUT);
    char buffer[5];
    EXPECT_EQ(call(fs::sys_read, fd, buffer, sizeof(buffer)), 5);
    EXPECT_EQ(receive(fd), "ion");
    EXPECT_EQ(call(fs::sys_write, fd, "answer", 6), 6);
    EXPECT_EQ(peer.hear_one().payload, "answer");
    EXPECT_EQ(call(fs::sys_accept, fd, nullptr, nullptr), -EINVAL);
    EXPECT_EQ(connect(fd, 1), -EISCONN);
}

TEST_F(SocketTest, FlagsOfReceiving) {
    auto fd = accepted();
    say(Data, "hello world");
    EXPECT_EQ(receive(fd, 5, MSG_PEEK), "hello");
    EXPECT_EQ(receive(fd, 5, MSG_PEEK | MSG_WAITALL), "hello");
    int available = 0;
    EXPECT_EQ(call(fs::sys_ioctl, fd, FIONREAD, &available), 0);
    EXPECT_EQ(available, 11);
    EXPECT_EQ(receive(fd, 6, MSG_WAITALL), "hello ");
    EXPECT_EQ(receive(fd, 100, MSG_DONTWAIT | MSG_WAITALL), "world");
    EXPECT_EQ(receive(fd, 100, MSG_DONTWAIT), "EAGAIN");
    EXPECT_EQ(receive(fd, 0), "");
    EXPECT_EQ(receive(fd, 1, MSG_OOB), "EOPNOTSUPP");
    EXPECT_EQ(send(fd, "x", MSG_OOB), -EOPNOTSUPP);
    sockaddr_vm from{};
    socklen_t length = sizeof(from);
    say(Data, "x");
    char c = 0;
    EXPECT_EQ(call(fs::sys_recvfrom, fd, &c, 1, 0, &from, &length), 1);
    EXPECT_EQ(length, 0u) << "a stream does not say from whom";
}

TEST_F(SocketTest, VectorsAndMessages) {
    auto fd = accepted();
    char parts[3][4] = {"ab", "cde", "f"};
    iovec vector[] = {{parts[0], 2}, {parts[1], 3}, {parts[2], 0}, {parts[2], 1}};
    EXPECT_EQ(call(fs::sys_writev, fd, vector, 4), 6);
    EXPECT_EQ(peer.hear_one().payload, "abcdef");
    msghdr message{};
    message.msg_iov = vector;
    message.msg_iovlen = 4;
    EXPECT_EQ(call(fs::sys_sendmsg, fd, &message, 0), 6);
    EXPECT_EQ(peer.hear_one().payload, "abcdef");
    say(Data, "012345");
    message.msg_flags = 77;
    message.msg_controllen = 77;
    EXPECT_EQ(call(fs::sys_recvmsg, fd, &message, 0), 6);
    EXPECT_EQ(std::string(parts[1], 3) + parts[2][0], "2345");
    EXPECT_EQ(message.msg_flags, 0);
    EXPECT_EQ(message.msg_controllen, 0u);
    auto host = address(VMADDR_CID_HOST, 1);
    message.msg_name = &host;
    message.msg_namelen = sizeof(host);
    EXPECT_EQ(call(fs::sys_sendmsg, fd, &message, 0), -EISCONN);
    EXPECT_EQ(call(fs::sys_sendto, fd, "x", 1, 0, &host, sizeof(host)), -EISCONN);
}

TEST_F(SocketTest, BadAddressesOfTheAppMoveWhatCanBeMoved) {
    auto fd = accepted(SOCK_NONBLOCK);
    char bytes[4] = "abc";
    iovec vector[] = {{bytes, 3}, {reinterpret_cast<void*>(8), 5}};
    EXPECT_EQ(call(fs::sys_writev, fd, vector, 2), 3);
    EXPECT_EQ(peer.hear_one().payload, "abc");
    EXPECT_EQ(call(fs::sys_write, fd, reinterpret_cast<void*>(8), 5), -EFAULT);
    peer.expect_silence();
    EXPECT_EQ(send(fd, "x"), 1) << "what the failed calls had reserved is given back";
    say(Data, "012345");
    EXPECT_EQ(call(fs::sys_readv, fd, vector, 2), 3);
    EXPECT_EQ(call(fs::sys_read, fd, reinterpret_cast<void*>(8), 5), -EFAULT);
    EXPECT_EQ(receive(fd), "345");
}

TEST_F(SocketTest, HalfClosedByThePeer) {
    auto fd = accepted();
    say(Data, "last");
    say_shutdown(ShutSend);
    EXPECT_EQ(ready(fd), POLLIN | POLLOUT | POLLRDHUP);
    EXPECT_EQ(receive(fd, 100, MSG_WAITALL), "last");
    EXPECT_EQ(receive(fd), "");
    EXPECT_EQ(send(fd, "answer"), 6);
    EXPECT_EQ(peer.hear_one().payload, "answer");
    EXPECT_EQ(call(fs::sys_shutdown, fd, SHUT_WR), 0);
    EXPECT_EQ(peer.hear_one().header.flags, ShutSend);
    EXPECT_EQ(ready(fd), POLLIN | POLLRDHUP | POLLHUP);
}

TEST_F(SocketTest, HalfClosedByTheApp) {
    auto fd = accepted();
    EXPECT_EQ(call(fs::sys_shutdown, fd, SHUT_WR), 0);
    EXPECT_EQ(peer.hear_one().header.flags, ShutSend);
    EXPECT_EQ(ready(fd), 0);
    EXPECT_EQ(send(fd, "x"), -EPIPE);
    say(Data, "answer");
    EXPECT_EQ(receive(fd), "answer");
    EXPECT_EQ(call(fs::sys_shutdown, fd, SHUT_RD), 0);
    EXPECT_EQ(peer.hear_one().header.flags, ShutBoth);
    EXPECT_EQ(ready(fd), POLLIN | POLLRDHUP | POLLHUP);
    EXPECT_EQ(receive(fd), "");
}

TEST_F(SocketTest, ABrokenPipeIsASignalUnlessItIsNotWanted) {
    auto fd = accepted();
    say_shutdown(ShutReceive);
    // An error of the handler is what the dispatcher raises SIGPIPE for.
    syscalls::Arguments plain{{static_cast<uint64_t>(fd), reinterpret_cast<uint64_t>("x"), 1, 0, 0, 0}};
    EXPECT_EQ(fs::sys_sendto(plain), base::fail(base::Error::BrokenPipe));
    syscalls::Arguments quiet = plain;
    quiet.value[3] = MSG_NOSIGNAL;
    auto result = fs::sys_sendto(quiet);
    ASSERT_TRUE(result.has_value());
    EXPECT_EQ(static_cast<int64_t>(*result), -EPIPE);
    EXPECT_EQ(fs::sys_write(plain), base::fail(base::Error::BrokenPipe));
}

TEST_F(SocketTest, AResetIsTheEndAsOnLinux) {
    auto fd = accepted();
    say(Data, "last");
    say(Reset);
    EXPECT_EQ(ready(fd), POLLIN | POLLOUT | POLLRDHUP);
    EXPECT_EQ(receive(fd), "last");
    EXPECT_EQ(receive(fd), "");
    EXPECT_EQ(send(fd, "x"), -EPIPE);
    EXPECT_EQ(option<int>(fd, SOL_SOCKET, SO_ERROR), 0);
    sockaddr_vm name{};
    socklen_t length = sizeof(name);
    EXPECT_EQ(call(fs::sys_getpeername, fd, &name, &length), 0);
}

TEST_F(SocketTest, AResetOfTheTransportIsAnError) {
    auto fd = accepted();
    peer.reset_transport();
    EXPECT_TRUE((ready(fd) & POLLERR) != 0);
    EXPECT_EQ(receive(fd), "ECONNRESET");
    EXPECT_EQ(receive(fd), "");
    auto other = accepted();
    peer.reset_transport();
    EXPECT_EQ(option<int>(other, SOL_SOCKET, SO_ERROR), ECONNRESET);
    EXPECT_EQ(option<int>(other, SOL_SOCKET, SO_ERROR), 0);
}

TEST_F(SocketTest, ClosingTellsThePeerOnce) {
    auto fd = accepted();
    auto copy = call(fs::sys_dup, fd);
    EXPECT_EQ(close(fd), 0);
    peer.expect_silence();
    EXPECT_EQ(send(copy, "x"), 1);
    peer.hear();
    EXPECT_EQ(close(copy), 0);
    auto shutdown = peer.hear_one();
    EXPECT_EQ(shutdown.operation(), Shutdown);
    EXPECT_EQ(shutdown.header.flags, ShutBoth);
    say(Reset);
    peer.expect_silence();
}

TEST_F(SocketTest, ConnectingWithoutWaiting) {
    auto fd = make(SOCK_NONBLOCK);
    EXPECT_EQ(connect(fd, 77), -EINPROGRESS);
    EXPECT_EQ(ready(fd), 0);
    EXPECT_EQ(connect(fd, 77), -EALREADY);
    EXPECT_EQ(send(fd, "x"), -ENOTCONN);
    EXPECT_EQ(receive(fd), "ENOTCONN");
    auto request = peer.hear_one();
    EXPECT_EQ(request.header.buffer_size, 256u * 1024);
    peer.say(Response, 77, 5000);
    EXPECT_EQ(ready(fd), POLLOUT);
    EXPECT_EQ(option<int>(fd, SOL_SOCKET, SO_ERROR), 0);
    EXPECT_EQ(connect(fd, 77), -EISCONN);
    EXPECT_EQ(send(fd, "x"), 1);
    EXPECT_EQ(peer.hear_one().payload, "x");
}

TEST_F(SocketTest, ARefusedConnectIsToldOnceAndMayBeTriedAgain) {
    auto fd = make(SOCK_NONBLOCK);
    EXPECT_EQ(connect(fd, 77), -EINPROGRESS);
    peer.say(Reset, 77, 5000);
    EXPECT_EQ(ready(fd), POLLERR | POLLOUT);
    EXPECT_EQ(option<int>(fd, SOL_SOCKET, SO_ERROR), ECONNRESET);
    EXPECT_EQ(ready(fd), POLLOUT);
    EXPECT_EQ(connect(fd, 78), -EINPROGRESS);
    peer.say(Response, 78, 5000);
    EXPECT_EQ(ready(fd), POLLOUT);
}

TEST_F(SocketTest, AConnectThatIsNotAnsweredTimesOut) {
    auto fd = make(SOCK_NONBLOCK);
    timeval soon{0, 1};
    EXPECT_EQ(set_option(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, soon), 0);
    EXPECT_EQ(connect(fd, 77), -EINPROGRESS);
    while (engine.next_deadline() > now())
        ;
    engine.expire();
    EXPECT_EQ(option<int>(fd, SOL_SOCKET, SO_ERROR), ETIMEDOUT);
}

TEST_F(SocketTest, ABoundSocketConnectsFromItsPort) {
    auto fd = make(SOCK_NONBLOCK);
    auto own = address(VMADDR_CID_ANY, 123);
    EXPECT_EQ(call(fs::sys_bind, fd, &own, sizeof(own)), 0);
    EXPECT_EQ(connect(fd, 77), -EINPROGRESS);
    EXPECT_EQ(peer.hear_one().header.source_port, 123u);
}

TEST_F(SocketTest, WithoutCreditOnePollsForIt) {
    auto fd = accepted(SOCK_NONBLOCK);
    std::string large(300'000, 'x');
    EXPECT_EQ(send(fd, large), 256 * 1024);
    EXPECT_EQ(send(fd, large), -EAGAIN);
    EXPECT_EQ(ready(fd), 0);
    say_forwarded(1);
    EXPECT_EQ(ready(fd), POLLOUT);
    EXPECT_EQ(send(fd, large), 1);
}

TEST_F(SocketTest, EdgeTriggeredEpollTellsEachChange) {
    auto fd = accepted(SOCK_NONBLOCK);
    auto epoll = call(fs::sys_epoll_create1, 0);
    epoll_event event{EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, {.u64 = 7}};
    EXPECT_EQ(call(fs::sys_epoll_ctl, epoll, EPOLL_CTL_ADD, fd, &event), 0);
    auto wait = [&] {
        epoll_event found{};
        auto count = call(fs::sys_epoll_wait, epoll, &found, 1, 0);
        return count == 0 ? 0u : found.events;
    };
    EXPECT_EQ(wait(), unsigned{EPOLLOUT});
    EXPECT_EQ(wait(), 0u);
    say(Data, "a");
    EXPECT_EQ(wait(), unsigned{EPOLLIN | EPOLLOUT});
    EXPECT_EQ(wait(), 0u);
    say(Data, "b");
    EXPECT_EQ(wait(), unsigned{EPOLLIN | EPOLLOUT});
    EXPECT_EQ(receive(fd), "ab");
    EXPECT_EQ(wait(), 0u);
    EXPECT_EQ(send(fd, std::string(300'000, 'x')), 256 * 1024);
    EXPECT_EQ(send(fd, "x"), -EAGAIN);
    say_forwarded(100);
    EXPECT_EQ(wait(), unsigned{EPOLLOUT});
    say_shutdown(ShutSend);
    EXPECT_EQ(wait(), unsigned{EPOLLIN | EPOLLOUT | EPOLLRDHUP});
}

TEST_F(SocketTest, TheBufferIsAsLargeAsTheOptionSays) {
    auto port = make();
    uint64_t size = 10'000;
    EXPECT_EQ(set_option(port, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE, size), 0);
    auto own = address(VMADDR_CID_ANY, 200);
    EXPECT_EQ(call(fs::sys_bind, port, &own, sizeof(own)), 0);
    EXPECT_EQ(call(fs::sys_listen, port, 1), 0);
    peer.say(Request, 9, 200);
    peer.hear();
    auto fd = call(fs::sys_accept, port, nullptr, nullptr);
    EXPECT_EQ(peer.hear_one().header.buffer_size, 12288u) << "whole frames";
    EXPECT_EQ(option<uint64_t>(fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE), size);
}

TEST_F(SocketTest, ManyConnectionsShareTheMemory) {
    // 1000 frames for all: the first get what they want, later ones less.
    auto port = listening(200, SOCK_NONBLOCK);
    std::vector<uint32_t> sizes;
    uint32_t total = 0;
    for (uint32_t from = 1;; ++from) {
        peer.say(Request, from, 200);
        if (peer.hear_one().operation() == Reset)
            break; // the table is full
        ASSERT_GE(call(fs::sys_accept, port, nullptr, nullptr), 0);
        sizes.push_back(peer.hear_one().header.buffer_size);
        total += sizes.back();
    }
    EXPECT_EQ(sizes.size(), 63u);
    EXPECT_EQ(sizes.front(), 256u * 1024);
    EXPECT_TRUE(std::ranges::is_sorted(sizes, std::greater()));
    EXPECT_EQ(sizes.back(), 4096u);
    EXPECT_LE(total, 1000u * 4096);
}

TEST_F(SocketTest, WithoutMemoryAnAcceptFailsAndThePeerIsTold) {
    auto port = listening(200);
    peer.say(Request, 9, 200);
    peer.hear();
    frames.left = 0;
    EXPECT_EQ(call(fs::sys_accept, port, nullptr, nullptr), -ENOBUFS);
    EXPECT_EQ(peer.hear_one().operation(), Shutdown);
    frames.left = SIZE_MAX;
    auto fd = make(SOCK_NONBLOCK);
    frames.left = 3;
    EXPECT_EQ(connect(fd, 77), -EINPROGRESS);
    EXPECT_EQ(peer.hear_one().header.buffer_size, 8192u) << "half and half again, until it fits";
    frames.left = SIZE_MAX;
}

TEST_F(SocketTest, TheDeviceSaysTheAddress) {
    auto device = call(fs::sys_open, "/dev/vsock", O_RDONLY, 0);
    unsigned cid = 0;
    EXPECT_EQ(call(fs::sys_ioctl, device, IOCTL_VM_SOCKETS_GET_LOCAL_CID, &cid), 0);
    EXPECT_EQ(cid, Peer::guest_cid);
}

TEST_F(SocketTest, AFileMayBeSent) {
    fs_test::write_file("/tmp/a", std::string(10'000, 'f'));
    auto file = call(fs::sys_open, "/tmp/a", O_RDONLY, 0);
    auto fd = accepted();
    EXPECT_EQ(call(fs::sys_sendfile, fd, file, nullptr, 100'000), 10'000);
    std::string all;
    for (auto& heard : peer.hear())
        all += heard.payload;
    EXPECT_EQ(all, std::string(10'000, 'f'));
}

class NoSocketsTest : public fs_test::Kernel {};

TEST_F(NoSocketsTest, NoFamilyIsSupported) {
    EXPECT_EQ(call(fs::sys_socket, AF_VSOCK, SOCK_STREAM, 0), -EAFNOSUPPORT);
    EXPECT_EQ(call(fs::sys_socket, AF_INET, SOCK_STREAM, 0), -EAFNOSUPPORT);
    EXPECT_EQ(call(fs::sys_open, "/dev/vsock", O_RDONLY, 0), -ENXIO);
    EXPECT_EQ(call(fs::sys_listen, 0, 1), -ENOTSOCK);
    EXPECT_EQ(call(fs::sys_listen, 99, 1), -EBADF);
}

} // namespace
} // namespace vsock::test
