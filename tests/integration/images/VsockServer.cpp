// AF_VSOCK in an image: servers that a test on the host talks to, and a client that connects where the test says.
//
//   vsock_server [COUNT]     ends after COUNT connections to the control port, else never
//
//   port 7000  control: one line, `connect PORT TEXT`, `ping PORT BYTES TIMES`, `bulk PORT BYTES`; answers with one
//   line
//        7001  echoes, many connections in one thread by epoll
//        7002  takes everything; answers with how many bytes and how many of them were not the pattern's
//        7003  reads a number (8 bytes), sends as many of the pattern
//        7004  never reads
// Prints a line for the image's address and one when it is ready.

#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

namespace {

unsigned char pattern(uint64_t position) {
    return static_cast<unsigned char>(position * 7 + position / 251);
}

/// The pattern's bytes from a position on are the same as from position % period on.
constexpr size_t period = 251 * 256;

std::vector<unsigned char> make_pattern(size_t size) {
    std::vector<unsigned char> bytes(size);
    for (size_t i = 0; i < size; ++i)
        bytes[i] = pattern(i % period);
    return bytes;
}

[[noreturn]] void fail(const char* what) {
    std::perror(what);
    std::_Exit(1);
}

sockaddr_vm address(unsigned cid, unsigned port) {
    sockaddr_vm result{};
    result.svm_family = AF_VSOCK;
    result.svm_cid = cid;
    result.svm_port = port;
    return result;
}

int listen_on(unsigned port, int flags = 0) {
    int fd = socket(AF_VSOCK, SOCK_STREAM | flags, 0);
    if (fd < 0)
        fail("socket");
    auto own = address(VMADDR_CID_ANY, port);
    if (bind(fd, reinterpret_cast<sockaddr*>(&own), sizeof(own)) != 0)
        fail("bind");
    if (listen(fd, 256) != 0)
        fail("listen");
    return fd;
}

int connect_to_host(unsigned port) {
    int fd = socket(AF_VSOCK, SOCK_STREAM, 0);
    auto host = address(VMADDR_CID_HOST, port);
    if (fd >= 0 && connect(fd, reinterpret_cast<sockaddr*>(&host), sizeof(host)) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

bool write_all(int fd, const void* data, size_t size) {
    auto* bytes = static_cast<const char*>(data);
    while (size > 0) {
        ssize_t count = send(fd, bytes, size, MSG_NOSIGNAL);
        if (count <= 0)
            return false;
        bytes += count;
        size -= static_cast<size_t>(count);
    }
    return true;
}

bool read_all(int fd, void* data, size_t size) {
    return recv(fd, data, size, MSG_WAITALL) == static_cast<ssize_t>(size);
}

template <typename Serve>
void serve_each(unsigned port, Serve serve) {
    int listener = listen_on(port);
    std::thread([listener, serve] {
        for (;;) {
            int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
            if (fd < 0)
                fail("accept");
            std::thread([fd, serve] {
                serve(fd);
                close(fd);
            }).detach();
        }
    }).detach();
}

void sink(int fd) {
    static const auto expected = make_pattern(2 * period);
    std::vector<unsigned char> buffer(256 * 1024);
    uint64_t result[2] = {};
    for (ssize_t count; (count = read(fd, buffer.data(), std::min(buffer.size(), period))) > 0;) {
        if (std::memcmp(buffer.data(), expected.data() + result[0] % period, static_cast<size_t>(count)) != 0) {
            for (ssize_t i = 0; i < count; ++i)
                result[1] += buffer[static_cast<size_t>(i)] != pattern((result[0] + static_cast<uint64_t>(i)) % period);
        }
        result[0] += static_cast<uint64_t>(count);
    }
    write_all(fd, result, sizeof(result));
}

void source(int fd) {
    static const auto bytes = make_pattern(2 * period);
    uint64_t size = 0;
    if (!read_all(fd, &size, sizeof(size)))
        return;
    for (uint64_t sent = 0; sent < size;) {
        auto part = std::min<uint64_t>(size - sent, period);
        if (!write_all(fd, bytes.data() + sent % period, part))
            return;
        sent += part;
    }
}

// --- The echo: what cannot be written waits in the connection's own buffer, and reading stops meanwhile.

struct Echo {
    int fd;
    std::vector<char> waiting{};
    bool ended = false;
};

/// False: the connection is over.
bool serve_echo(Echo& echo) {
    char buffer[65536];
    for (;;) {
        while (!echo.waiting.empty()) {
            ssize_t count = send(echo.fd, echo.waiting.data(), echo.waiting.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            if (count < 0)
                return errno == EAGAIN;
            echo.waiting.erase(echo.waiting.begin(), echo.waiting.begin() + count);
        }
        if (echo.ended)
            return false;
        ssize_t count = read(echo.fd, buffer, sizeof(buffer));
        if (count < 0)
            return errno == EAGAIN;
        echo.ended = count == 0;
        ssize_t sent = count == 0 ? 0 : send(echo.fd, buffer, static_cast<size_t>(count), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN)
            return false;
        sent = std::max<ssize_t>(sent, 0);
        echo.waiting.assign(buffer + sent, buffer + count);
    }
}

void run_echo(int listener) {
    int epoll = epoll_create1(0);
    epoll_event event{EPOLLIN, {.ptr = nullptr}};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) != 0)
        fail("epoll_ctl");
    for (;;) {
        epoll_event events[32];
        int count = epoll_wait(epoll, events, 32, -1);
        for (int i = 0; i < count; ++i) {
            auto* echo = static_cast<Echo*>(events[i].data.ptr);
            if (echo == nullptr) {
                for (int fd; (fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK)) >= 0;) {
                    auto* made = new Echo{fd};
                    epoll_event watched{EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, {.ptr = made}};
                    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &watched);
                }
            } else if (!serve_echo(*echo)) {
                close(echo->fd);
                delete echo;
            }
        }
    }
}

// --- The client

std::string do_connect(unsigned port, const std::string& text) {
    int fd = connect_to_host(port);
    if (fd < 0)
        return "error " + std::string(strerrorname_np(errno));
    write_all(fd, text.data(), text.size());
    shutdown(fd, SHUT_WR);
    std::string answer;
    char buffer[4096];
    for (ssize_t count; (count = read(fd, buffer, sizeof(buffer))) > 0;)
        answer.append(buffer, static_cast<size_t>(count));
    close(fd);
    return answer;
}

std::string do_ping(unsigned port, size_t size, unsigned times) {
    int fd = connect_to_host(port);
    if (fd < 0)
        return "error " + std::string(strerrorname_np(errno));
    std::vector<char> bytes(size, 'p');
    auto start = std::chrono::steady_clock::now();
    bool fine = true;
    for (unsigned i = 0; i < times && fine; ++i)
        fine = write_all(fd, bytes.data(), size) && read_all(fd, bytes.data(), size);
    std::chrono::duration<double, std::micro> spent = std::chrono::steady_clock::now() - start;
    close(fd);
    return (fine ? "us " : "error ") + std::to_string(spent.count() / times);
}

std::string do_bulk(unsigned port, uint64_t size) {
    int fd = connect_to_host(port);
    if (fd < 0)
        return "error " + std::string(strerrorname_np(errno));
    write_all(fd, &size, 0);
    auto bytes = make_pattern(2 * period);
    for (uint64_t sent = 0; sent < size;) {
        auto part = std::min<uint64_t>(size - sent, period);
        if (!write_all(fd, bytes.data() + sent % period, part))
            break;
        sent += part;
    }
    shutdown(fd, SHUT_WR);
    char end;
    auto rest = read(fd, &end, 1);
    close(fd);
    return "end " + std::to_string(rest);
}

std::string obey(const std::string& line) {
    char word[16] = {}, text[256] = {};
    unsigned port = 0;
    unsigned long number = 0, times = 0;
    if (std::sscanf(line.c_str(), "connect %u %255[^\n]", &port, text) >= 1)
        return do_connect(port, text);
    if (std::sscanf(line.c_str(), "ping %u %lu %lu", &port, &number, &times) == 3)
        return do_ping(port, number, static_cast<unsigned>(times));
    if (std::sscanf(line.c_str(), "%15s %u %lu", word, &port, &number) == 3 && std::strcmp(word, "bulk") == 0)
        return do_bulk(port, number);
    return "what?";
}

} // namespace

int main(int argc, char** argv) {
    long left = argc > 1 ? std::atol(argv[1]) : -1;
    unsigned cid = 0;
    int device = open("/dev/vsock", O_RDONLY);
    if (device < 0 || ioctl(device, IOCTL_VM_SOCKETS_GET_LOCAL_CID, &cid) != 0)
        fail("/dev/vsock");
    close(device);
    std::printf("cid %u\n", cid);

    int control = listen_on(7000);
    int echo = listen_on(7001, SOCK_NONBLOCK);
    std::thread(run_echo, echo).detach();
    serve_each(7002, sink);
    serve_each(7003, source);
    serve_each(7004, [](int) {
        for (;;)
            pause();
    });
    std::puts("ready");
    std::fflush(stdout);
    for (; left != 0; left -= left > 0 ? 1 : 0) {
        int fd = accept(control, nullptr, nullptr);
        if (fd < 0)
            fail("accept");
        std::string line;
        for (char c; line.size() < 1000 && read(fd, &c, 1) == 1 && c != '\n';)
            line.push_back(c);
        auto answer = obey(line) + "\n";
        write_all(fd, answer.data(), answer.size());
        close(fd);
    }
}
