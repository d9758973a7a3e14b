// The guest's end of ./dev bench links, the same file as a unikernel and as a Linux guest's /init: does what the host
// says on each of its links.
//
//   link_peer LINK...        LINK: vsock:PORT, port:NAME of a virtio-serial port, tty:PATH, or - for the standard
//   streams
//
// The host sends a Command and gets, for 'E' each message back, for 'S' the bytes, for 'R' eight bytes when the last
// byte has come. Prints "ready" when all links are open.

#include <dirent.h>
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

struct Command {
    uint32_t what; ///< 'E' echo `count` messages of `size`; 'S' send, 'R' receive `count` bytes, `size` a call
    uint32_t size;
    uint64_t count;
};
static_assert(sizeof(Command) == 16);

[[noreturn]] void fail(const std::string& what) {
    std::perror(what.c_str());
    std::_Exit(1);
}

bool read_all(int descriptor, void* to, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t count = read(descriptor, static_cast<char*>(to) + done, size - done);
        if (count <= 0)
            return false;
        done += static_cast<size_t>(count);
    }
    return true;
}

bool write_all(int descriptor, const void* from, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t count = write(descriptor, static_cast<const char*>(from) + done, size - done);
        if (count <= 0)
            return false;
        done += static_cast<size_t>(count);
    }
    return true;
}

/// Until the other end is gone.
void serve(int in, int out) {
    std::vector<char> bytes(1 << 20, 'u');
    for (Command command; read_all(in, &command, sizeof command);) {
        size_t size = std::min<size_t>(command.size, bytes.size());
        uint64_t left = command.count;
        if (command.what == 'E') {
            while (left-- != 0 && read_all(in, bytes.data(), size) && write_all(out, bytes.data(), size)) {
            }
        } else if (command.what == 'S') {
            while (left != 0 && write_all(out, bytes.data(), std::min<uint64_t>(size, left)))
                left -= std::min<uint64_t>(size, left);
        } else if (command.what == 'R') {
            for (ssize_t count; left != 0; left -= static_cast<uint64_t>(count)) {
                count = read(in, bytes.data(), std::min<uint64_t>(size, left));
                if (count <= 0)
                    return;
            }
            write_all(out, "received", 8);
        }
    }
}

// --- Links

void make_raw(int descriptor) {
    termios attributes;
    if (tcgetattr(descriptor, &attributes) != 0)
        return; // no terminal
    cfmakeraw(&attributes);
    tcsetattr(descriptor, TCSANOW, &attributes);
}

int listen_on(unsigned port) {
    int listener = socket(AF_VSOCK, SOCK_STREAM, 0);
    sockaddr_vm address{};
    address.svm_family = AF_VSOCK;
    address.svm_cid = VMADDR_CID_ANY;
    address.svm_port = port;
    if (listener < 0 || bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        listen(listener, 8) != 0)
        fail("vsock");
    return listener;
}

/// Without udev a port's name stands in /sys only.
int find_port(const std::string& name) {
    int descriptor = open(("/dev/virtio-ports/" + name).c_str(), O_RDWR);
    DIR* ports = descriptor < 0 ? opendir("/sys/class/virtio-ports") : nullptr;
    for (const dirent* port = nullptr; ports && (port = readdir(ports)) != nullptr && descriptor < 0;) {
        std::string entry = port->d_name;
        int file = open(("/sys/class/virtio-ports/" + entry + "/name").c_str(), O_RDONLY);
        char text[64] = {};
        if (file >= 0 && read(file, text, sizeof text - 1) > 0 && name + "\n" == text)
            descriptor = open(("/dev/" + entry).c_str(), O_RDWR);
        if (file >= 0)
            close(file);
    }
    if (ports)
        closedir(ports);
    return descriptor;
}

int open_port(const std::string& name) {
    for (int attempt = 0; attempt < 100; ++attempt) {
        if (int descriptor = find_port(name); descriptor >= 0)
            return descriptor;
        usleep(100'000); // Linux hears of ports some time after their device
    }
    fail("port " + name);
}

std::thread start(const std::string& link) {
    if (link == "-")
        return std::thread([] { serve(0, 1); });
    std::string rest = link.substr(link.find(':') + 1);
    if (link.starts_with("vsock:")) {
        int listener = listen_on(static_cast<unsigned>(std::stoul(rest)));
        return std::thread([listener] {
            for (int connection; (connection = accept(listener, nullptr, nullptr)) >= 0; close(connection))
                serve(connection, connection);
        });
    }
    int descriptor = link.starts_with("port:") ? open_port(rest) : open(rest.c_str(), O_RDWR | O_NOCTTY);
    if (descriptor < 0)
        fail(link);
    make_raw(descriptor);
    return std::thread([descriptor] {
        while (true) {
            serve(descriptor, descriptor);
            usleep(10'000); // nobody is at the other end
        }
    });
}

/// In a Linux guest this is all there is: /modules/NN-*.ko, by name.
void prepare_linux() {
    if (getpid() != 1 || access("/modules", F_OK) != 0)
        return;
    mkdir("/dev", 0755);
    mkdir("/sys", 0755);
    mount("none", "/dev", "devtmpfs", 0, nullptr);
    mount("none", "/sys", "sysfs", 0, nullptr);
    for (int number = 0; number < 100; ++number) {
        int file = open(("/modules/" + std::to_string(number) + ".ko").c_str(), O_RDONLY);
        if (file < 0)
            break;
        if (syscall(SYS_finit_module, file, "", 0) != 0)
            std::perror(("module " + std::to_string(number)).c_str());
        close(file);
    }
}

} // namespace

int main(int argument_count, char** arguments) {
    prepare_linux();
    make_raw(0);
    std::vector<std::thread> threads;
    for (int i = 1; i < argument_count; ++i)
        threads.push_back(start(arguments[i]));
    write_all(1, "ready\n", 6);
    for (auto& thread : threads)
        thread.join();
}
