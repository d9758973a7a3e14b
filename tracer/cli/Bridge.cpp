#include "tracer/cli/Bridge.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <thread>

namespace cli {

namespace {

bool write_all(int descriptor, std::span<const uint8_t> bytes) {
    while (!bytes.empty()) {
        const ssize_t written = write(descriptor, bytes.data(), bytes.size());
        if (written < 0 && errno != EINTR)
            return false;
        bytes = bytes.subspan(written > 0 ? static_cast<size_t>(written) : 0);
    }
    return true;
}

/// Nothing at the end of the stream, and when it broke.
std::span<const uint8_t> read_some(int descriptor, std::span<uint8_t> buffer) {
    while (true) {
        const ssize_t size = read(descriptor, buffer.data(), buffer.size());
        if (size >= 0)
            return buffer.first(static_cast<size_t>(size));
        if (errno != EINTR)
            return {};
    }
}

} // namespace

tracer::Result<> bridge_standard_streams(const tracer::FileDescriptor& channel,
                                         std::function<std::vector<uint8_t>(std::span<const uint8_t>)> encode) {
    const int descriptor = channel.get();
    std::thread([descriptor, encode = std::move(encode)] {
        std::array<uint8_t, 65536> buffer;
        for (auto bytes = read_some(STDIN_FILENO, buffer); !bytes.empty(); bytes = read_some(STDIN_FILENO, buffer))
            if (encode ? !write_all(descriptor, encode(bytes)) : !write_all(descriptor, bytes))
                break;
        shutdown(descriptor, SHUT_WR);
    }).detach();
    std::array<uint8_t, 65536> buffer;
    for (auto bytes = read_some(descriptor, buffer); !bytes.empty(); bytes = read_some(descriptor, buffer))
        if (!write_all(STDOUT_FILENO, bytes))
            return tracer::fail_errno("cannot write to the standard output", errno);
    return {};
}

} // namespace cli
