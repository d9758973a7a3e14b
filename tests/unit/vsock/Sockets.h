#pragma once
// AF_VSOCK sockets through the system calls, with a scripted peer.

#include "Peer.h"

#include "libos/vsock/SocketFamily.h"
#include "tests/unit/fs/Kernel.h"

#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <poll.h>
#include <sys/socket.h>

#include <chrono>

namespace vsock::test {

using fs_test::call;

/// What has to be there before the file system.
struct SocketParts {
    SocketParts() {
        EXPECT_TRUE(engine.start());
        permanent = frames.used;
        peer.lock = &engine.lock();
    }
    ~SocketParts() {
        peer.set_event_handler(nullptr, nullptr);
        EXPECT_EQ(frames.used, permanent);
    }
    static uint64_t now() { return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()); }

    Frames frames;
    Peer peer;
    Engine engine{peer, frames, {64, 5000, now, fs::readiness_changed}};
    SocketFamily family{engine, 1000};
    size_t permanent = 0;
};

class SocketTest : protected SocketParts, public fs_test::Kernel {
public:
    SocketTest()
        : Kernel(0, &family) {}

    static sockaddr_vm address(unsigned cid, unsigned port) {
        sockaddr_vm result{};
        result.svm_family = AF_VSOCK;
        result.svm_cid = cid;
        result.svm_port = port;
        return result;
    }
    int64_t make(int flags = 0) { return call(fs::sys_socket, AF_VSOCK, SOCK_STREAM | flags, 0); }
    int64_t listening(unsigned port, int flags = 0) {
        auto fd = make(flags);
        auto own = address(VMADDR_CID_ANY, port);
        EXPECT_EQ(call(fs::sys_bind, fd, &own, sizeof(own)), 0);
        EXPECT_EQ(call(fs::sys_listen, fd, 8), 0);
        return fd;
    }
    int64_t connect(int64_t fd, unsigned port) {
        auto host = address(VMADDR_CID_HOST, port);
        return call(fs::sys_connect, fd, &host, sizeof(host));
    }
    /// A connection of the host's port 9 to port 100.
    int64_t accepted(int flags = 0) {
        if (m_listener < 0)
            m_listener = listening(100);
        peer.say(Request, ++m_from, 100);
        auto fd = call(fs::sys_accept4, m_listener, nullptr, nullptr, flags);
        EXPECT_GE(fd, 0);
        peer.hear();
        return fd;
    }
    /// The host's side of the last accepted().
    void say(Operation operation, std::string payload = {}) { peer.say(operation, m_from, 100, std::move(payload)); }
    void say_shutdown(uint32_t flags) { peer.say_shutdown(m_from, 100, flags); }
    /// The peer has read so many bytes, and says so.
    void say_forwarded(uint32_t bytes) {
        peer.forwarded[{m_from, 100}] = bytes;
        say(CreditUpdate);
    }

    int64_t send(int64_t fd, std::string_view text, int flags = 0) {
        return call(fs::sys_sendto, fd, text.data(), text.size(), flags, nullptr, 0);
    }
    std::string receive(int64_t fd, size_t size = 1000, int flags = 0) {
        std::string text(size, '\0');
        auto count = call(fs::sys_recvfrom, fd, text.data(), size, flags, nullptr, nullptr);
        if (count < 0)
            return strerrorname_np(static_cast<int>(-count));
        text.resize(static_cast<size_t>(count));
        return text;
    }
    short ready(int64_t fd) {
        pollfd watched{static_cast<int>(fd), POLLIN | POLLOUT | POLLRDHUP, 0};
        EXPECT_GE(call(fs::sys_poll, &watched, 1, 0), 0);
        return watched.revents;
    }
    int close(int64_t fd) { return static_cast<int>(call(fs::sys_close, fd)); }
    template <typename T>
    T option(int64_t fd, int level, int name) {
        T value{};
        socklen_t length = sizeof(value);
        EXPECT_EQ(call(fs::sys_getsockopt, fd, level, name, &value, &length), 0);
        EXPECT_EQ(length, sizeof(value));
        return value;
    }
    template <typename T>
    int64_t set_option(int64_t fd, int level, int name, const T& value) {
        return call(fs::sys_setsockopt, fd, level, name, &value, sizeof(value));
    }

private:
    int64_t m_listener = -1;
    uint32_t m_from = 8;
};

} // namespace vsock::test
