// What AF_VSOCK sockets answer without a peer, one line a question: the same as a Linux process.

#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>

namespace {

void show(const char* what, long result) {
    if (result < 0)
        std::printf("%s: %s\n", what, strerrorname_np(errno));
    else
        std::printf("%s: %ld\n", what, result);
}

template <typename T>
void show_option(const char* what, int fd, int level, int name) {
    T value{};
    socklen_t length = sizeof(value);
    if (getsockopt(fd, level, name, &value, &length) != 0) {
        show(what, -1);
        return;
    }
    std::printf("%s: %u bytes:", what, length);
    for (socklen_t i = 0; i < length; ++i)
        std::printf(" %02x", reinterpret_cast<unsigned char*>(&value)[i]);
    std::puts("");
}

int vsock(int flags = 0) {
    return socket(AF_VSOCK, SOCK_STREAM | flags, 0);
}

sockaddr_vm address(unsigned cid, unsigned port) {
    sockaddr_vm result{};
    result.svm_family = AF_VSOCK;
    result.svm_cid = cid;
    result.svm_port = port;
    return result;
}

long bind_to(int fd, sockaddr_vm own, socklen_t length = sizeof(sockaddr_vm)) {
    return bind(fd, reinterpret_cast<sockaddr*>(&own), length);
}

void show_poll(const char* what, int fd) {
    pollfd watched{fd, POLLIN | POLLOUT | POLLRDHUP | POLLPRI, 0};
    std::printf("%s: %d events", what, poll(&watched, 1, 0));
    std::printf(" 0x%x\n", static_cast<unsigned>(watched.revents));
}

void creation() {
    show("datagrams", socket(AF_VSOCK, SOCK_DGRAM, 0));
    show("raw", socket(AF_VSOCK, SOCK_RAW, 0));
    show("another protocol", socket(AF_VSOCK, SOCK_STREAM, 6));
    show("no type", socket(AF_VSOCK, 15, 0));
    show("unknown flags", socket(AF_VSOCK, SOCK_STREAM | 0x100, 0));
    show("no family", socket(9999, SOCK_STREAM, 0));
    show("negative family", socket(-1, SOCK_STREAM, 0));
    int pair[2];
    show("a pair", socketpair(AF_VSOCK, SOCK_STREAM, 0, pair));
    int fd = vsock(SOCK_NONBLOCK | SOCK_CLOEXEC);
    show("F_GETFL", fcntl(fd, F_GETFL));
    show("F_GETFD", fcntl(fd, F_GETFD));
    struct stat status;
    fstat(fd, &status);
    show("st_mode", status.st_mode);
    show("lseek", lseek(fd, 0, SEEK_SET));
    char c = 0;
    show("pread", pread(fd, &c, 1, 0));
    show("ftruncate", ftruncate(fd, 0));
    show("fsync", fsync(fd));
    show("an ioctl that there is not", ioctl(fd, 0x1234));
    char link[64] = {};
    char name[64];
    std::snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
    show("readlink", readlink(name, link, sizeof(link) - 1) > 0);
    std::printf("%.8s\n", link);
    close(fd);
}

void unconnected() {
    int fd = vsock();
    char c = 0;
    iovec piece{&c, 1};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    show("read", read(fd, &c, 1));
    show("write", write(fd, &c, 1));
    show("recv of nothing", recv(fd, &c, 0, 0));
    show("recv out of band", recv(fd, &c, 1, MSG_OOB));
    show("sendmsg", sendmsg(fd, &message, 0));
    show("recvmsg", recvmsg(fd, &message, 0));
    message.msg_iovlen = 1025;
    show("sendmsg of too many", sendmsg(fd, &message, 0));
    auto host = address(VMADDR_CID_HOST, 1);
    show("sendto", sendto(fd, &c, 1, 0, reinterpret_cast<sockaddr*>(&host), sizeof(host)));
    show("shutdown", shutdown(fd, SHUT_RDWR));
    show("shutdown of what", shutdown(fd, 3));
    show("accept", accept(fd, nullptr, nullptr));
    show("accept4 with unknown flags", accept4(fd, nullptr, nullptr, 1));
    show("listen", listen(fd, 1));
    sockaddr_vm name{};
    socklen_t length = sizeof(name);
    show("getpeername", getpeername(fd, reinterpret_cast<sockaddr*>(&name), &length));
    show("getsockname", getsockname(fd, reinterpret_cast<sockaddr*>(&name), &length));
    std::printf("%u %x %x\n", length, name.svm_cid, name.svm_port);
    length = 4;
    show("getsockname in little room", getsockname(fd, reinterpret_cast<sockaddr*>(&name), &length));
    std::printf("%u\n", length);
    int negative = -1;
    show("getsockname in negative room",
         getsockname(fd, reinterpret_cast<sockaddr*>(&name), reinterpret_cast<socklen_t*>(&negative)));
    show("getsockname nowhere", getsockname(fd, nullptr, &length));
    show_poll("poll", fd);
    show("connect to another family", connect(fd, reinterpret_cast<sockaddr*>(&piece), sizeof(name)));
    show("connect to half an address", connect(fd, reinterpret_cast<sockaddr*>(&host), 8));
    show("connect to a long address", connect(fd, reinterpret_cast<sockaddr*>(&host), 1000));
    show("connect to nowhere", connect(fd, nullptr, sizeof(host)));
    close(fd);
    show("on a closed one", recv(fd, &c, 1, 0));
    int ends[2];
    if (pipe(ends) == 0)
        show("on a pipe end", listen(ends[0], 1));
}

void binding() {
    int fd = vsock();
    show("bind to another family", bind_to(fd, sockaddr_vm{}));
    auto own = address(VMADDR_CID_ANY, 59123);
    show("bind to half an address", bind_to(fd, own, 12));
    own.svm_flags = 0x80;
    show("bind with unknown flags", bind_to(fd, own));
    show("bind to an address of others", bind_to(fd, address(12345, 59123)));
    show("bind", bind_to(fd, address(VMADDR_CID_ANY, 59123)));
    show("bind again", bind_to(fd, address(VMADDR_CID_ANY, 59124)));
    int other = vsock(SOCK_NONBLOCK);
    show("bind to a port in use", bind_to(other, address(VMADDR_CID_ANY, 59123)));
    show_poll("poll bound", fd);
    show("listen", listen(fd, 1));
    show("listen again", listen(fd, -1));
    show_poll("poll listening", fd);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    show("accept", accept(fd, nullptr, nullptr));
    char c = 0;
    show("read", read(fd, &c, 1));
    show("write", write(fd, &c, 1));
    auto host = address(VMADDR_CID_HOST, 1);
    show("connect of a listener", connect(fd, reinterpret_cast<sockaddr*>(&host), sizeof(host)));
    show("shutdown of a listener", shutdown(fd, SHUT_RD));
    fcntl(fd, F_SETFL, 0);
    timeval soon{0, 20'000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon));
    show("accept with a timeout", accept(fd, nullptr, nullptr));
    show_option<int>("SO_ACCEPTCONN", fd, SOL_SOCKET, SO_ACCEPTCONN);
    close(fd);
    show("bind after a close", bind_to(other, address(VMADDR_CID_ANY, 59123)));
    int third = vsock();
    show("bind to any port", bind_to(third, address(VMADDR_CID_ANY, VMADDR_PORT_ANY)));
    sockaddr_vm name{};
    socklen_t length = sizeof(name);
    getsockname(third, reinterpret_cast<sockaddr*>(&name), &length);
    std::printf("%u %x %d\n", length, name.svm_cid, name.svm_port > 1023);
    close(third);
    close(other);
}

void options() {
    int fd = vsock();
    show_option<int>("SO_TYPE", fd, SOL_SOCKET, SO_TYPE);
    show_option<int>("SO_DOMAIN", fd, SOL_SOCKET, SO_DOMAIN);
    show_option<int>("SO_PROTOCOL", fd, SOL_SOCKET, SO_PROTOCOL);
    show_option<int>("SO_ERROR", fd, SOL_SOCKET, SO_ERROR);
    show_option<int>("SO_ACCEPTCONN", fd, SOL_SOCKET, SO_ACCEPTCONN);
    show_option<int>("SO_RCVLOWAT", fd, SOL_SOCKET, SO_RCVLOWAT);
    show_option<char>("SO_TYPE in a byte", fd, SOL_SOCKET, SO_TYPE);
    show_option<timeval>("SO_RCVTIMEO", fd, SOL_SOCKET, SO_RCVTIMEO);
    timeval time{3, 240'000}; // a whole number of ticks, whatever their rate
    show("set SO_RCVTIMEO", setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)));
    show_option<timeval>("SO_RCVTIMEO", fd, SOL_SOCKET, SO_RCVTIMEO);
    time.tv_usec = 1'000'000;
    show("set it wrongly", setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time)));
    show("set half of it", setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, 8));
    int one = 1;
    show("set SO_REUSEADDR", setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
    show_option<int>("SO_REUSEADDR", fd, SOL_SOCKET, SO_REUSEADDR);
    show("set SO_TYPE", setsockopt(fd, SOL_SOCKET, SO_TYPE, &one, sizeof(one)));
    show("set what there is not", setsockopt(fd, SOL_SOCKET, 9999, &one, sizeof(one)));
    show_option<int>("what there is not", fd, SOL_SOCKET, 9999);
    show_option<int>("of another level", fd, 6, 1);
    show("set it of another level", setsockopt(fd, 6, 1, &one, sizeof(one)));
    show("set with a negative length", setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, static_cast<socklen_t>(-1)));
    linger lingering{1, 5};
    show("set SO_LINGER", setsockopt(fd, SOL_SOCKET, SO_LINGER, &lingering, sizeof(lingering)));
    show_option<linger>("SO_LINGER", fd, SOL_SOCKET, SO_LINGER);

    show_option<uint64_t>("buffer size", fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE);
    show_option<uint64_t>("buffer minimum", fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_MIN_SIZE);
    show_option<uint64_t>("buffer maximum", fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_MAX_SIZE);
    show_option<int>("buffer size in little room", fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE);
    uint64_t size = 1 << 30;
    show("set the size", setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE, &size, sizeof(size)));
    show_option<uint64_t>("buffer size", fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE);
    size = 1 << 20;
    show("set the maximum", setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_MAX_SIZE, &size, sizeof(size)));
    show("set the size", setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE, &size, sizeof(size)));
    show_option<uint64_t>("buffer size", fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE);
    size = 1000;
    show("set the maximum", setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_MAX_SIZE, &size, sizeof(size)));
    show_option<uint64_t>("buffer size", fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE);
    size = 10;
    show("set the size", setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE, &size, sizeof(size)));
    show_option<uint64_t>("buffer size", fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE);
    show("set the size in half", setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_BUFFER_SIZE, &size, 4));
    show_option<timeval>("connect timeout", fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT);
    time = {0, 240'000};
    show("set it", setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &time, sizeof(time)));
    time = {0, 2'000'000};
    show("set it wrongly", setsockopt(fd, AF_VSOCK, SO_VM_SOCKETS_CONNECT_TIMEOUT, &time, sizeof(time)));
    show_option<int>("trusted", fd, AF_VSOCK, SO_VM_SOCKETS_TRUSTED);
    show_option<int>("what there is not", fd, AF_VSOCK, 99);
    close(fd);
}

void readiness() {
    int fd = vsock();
    fd_set reading, writing;
    FD_ZERO(&reading);
    FD_ZERO(&writing);
    FD_SET(fd, &reading);
    FD_SET(fd, &writing);
    timeval now{0, 0};
    int count = select(fd + 1, &reading, &writing, nullptr, &now);
    std::printf("select: %d %d %d\n", count, FD_ISSET(fd, &reading) != 0, FD_ISSET(fd, &writing) != 0);
    int epoll = epoll_create1(0);
    epoll_event event{EPOLLIN | EPOLLRDHUP, {.fd = fd}};
    show("epoll_ctl", epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
    show("epoll_wait", epoll_wait(epoll, &event, 1, 0));
    close(epoll);
    close(fd);
}

} // namespace

int main() {
    std::signal(SIGPIPE, SIG_DFL);
    creation();
    unconnected();
    binding();
    options();
    readiness();
    int device = open("/dev/vsock", O_RDWR);
    unsigned cid = 0;
    show("the address", ioctl(device, IOCTL_VM_SOCKETS_GET_LOCAL_CID, &cid));
    show("another ioctl of it", ioctl(device, FIONREAD, &cid));
    show("read of it", read(device, &cid, 1));
}
