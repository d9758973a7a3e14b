// The app's own virtio-serial ports: echoes what comes on /dev/virtio-ports/NAME.
//
//   port_echo NAME      ends when a piece ends with "quit\n"
// Prints the ports that there are, and what it hears of the host.

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

namespace {

bool write_all(int descriptor, const char* from, size_t size) {
    while (size != 0) {
        ssize_t count = write(descriptor, from, size);
        if (count <= 0)
            return false;
        from += count;
        size -= static_cast<size_t>(count);
    }
    return true;
}

} // namespace

int main(int argument_count, char** arguments) {
    setvbuf(stdout, nullptr, _IOLBF, 0);
    DIR* directory = opendir("/dev/virtio-ports");
    if (!directory || argument_count != 2) {
        std::perror("/dev/virtio-ports");
        return 1;
    }
    while (const dirent* entry = readdir(directory)) {
        if (entry->d_name[0] != '.')
            std::printf("port %s\n", entry->d_name);
    }
    std::string path = std::string("/dev/virtio-ports/") + arguments[1];
    int port = open(path.c_str(), O_RDWR);
    if (port < 0) {
        std::perror(path.c_str());
        return 1;
    }
    std::printf("once more: %s\n", open(path.c_str(), O_RDWR) < 0 ? std::strerror(errno) : "opened");
    char bytes[100'000];
    bool host_is_here = true;
    while (true) {
        pollfd watched{port, POLLIN, 0};
        poll(&watched, 1, 1000);
        bool is_here = (watched.revents & POLLHUP) == 0;
        if (is_here != host_is_here)
            std::printf("%s\n", is_here ? "the host is here" : "the host has left");
        host_is_here = is_here;
        if ((watched.revents & POLLIN) == 0) {
            usleep(10'000); // without a host, poll() is back at once
            continue;
        }
        ssize_t count = read(port, bytes, sizeof bytes);
        if (count > 0 && !write_all(port, bytes, static_cast<size_t>(count)))
            std::perror("write");
        if (count >= 5 && std::memcmp(bytes + count - 5, "quit\n", 5) == 0)
            return 42;
    }
}
