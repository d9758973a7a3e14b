#include "tracer/link/UnixLink.h"

#include "tracer/link/Connect.h"
#include "tracer/link/VsockLink.h"

#include <fmt/format.h>

#include <algorithm>
#include <sys/stat.h>

namespace tracer {

namespace {

constexpr size_t longest_answer = 64;
/// A guest that is about to listen, or whose queue of connections is full, refuses at first.
constexpr int tries = 3;
constexpr std::chrono::milliseconds between_tries{100};

} // namespace

bool is_connect_answer(std::string_view line_untrusted) {
    constexpr std::string_view prefix = "OK ";
    if (!line_untrusted.starts_with(prefix) || line_untrusted.size() == prefix.size())
        return false;
    return std::ranges::all_of(line_untrusted.substr(prefix.size()),
                               [](char letter) { return letter >= '0' && letter <= '9'; });
}

bool UnixLink::is_directory() const {
    std::error_code error;
    return std::filesystem::is_directory(m_path, error);
}

std::string_view UnixLink::kind() const {
    return is_directory() ? "virtio-serial" : "vsock";
}

std::filesystem::path UnixLink::port_path(ChannelName channel) const {
    return m_path / fmt::format("uniscope.{}", name_of(channel));
}

bool UnixLink::has(ChannelName channel) const {
    std::error_code error;
    return !is_directory() || std::filesystem::exists(port_path(channel), error);
}

Result<FileDescriptor> UnixLink::open(ChannelName channel, const OpenOptions& options) {
    std::error_code error;
    if (!std::filesystem::exists(m_path, error))
        return fail(fmt::format("there is no {}", m_path.string()),
                    "It is made by the hypervisor when the machine starts: is it running?");
    return is_directory() ? open_port(channel, options) : open_vsock(channel, options);
}

Result<FileDescriptor> UnixLink::open_port(ChannelName channel, const OpenOptions& options) const {
    const auto path = port_path(channel);
    if (!has(channel))
        return fail(fmt::format("{} has no socket uniscope.{}", m_path.string(), name_of(channel)),
                    fmt::format("Give the machine a port of that name for {}: docs/launchers.md.", name_of(channel)));
    return connect_unix(path, path.string(), Patience(options));
}

Result<FileDescriptor> UnixLink::open_vsock(ChannelName channel, const OpenOptions& options) const {
    const Patience patience(options);
    const uint32_t port = vsock_port(channel);
    for (int attempt = 1;; ++attempt) {
        FileDescriptor descriptor = TRY(connect_unix(m_path, m_path.string(), patience));
        const std::string request = fmt::format("CONNECT {}\n", port);
        TRY(send_all(descriptor.get(), {reinterpret_cast<const uint8_t*>(request.data()), request.size()},
                     patience.left()));
        const std::string answer = TRY(read_line(descriptor.get(), longest_answer, patience, m_path.string()));
        if (is_connect_answer(answer))
            return descriptor;
        if (!answer.empty())
            return fail(fmt::format("{} is no socket of a vsock device", m_path.string()),
                        "Name the Unix socket of the device: `uds_path` of Firecracker, `socket` of Cloud Hypervisor.");
        if (attempt == tries || !patience.pause(between_tries))
            return fail(fmt::format("the guest behind {} does not accept on vsock port {} ({})", m_path.string(), port,
                                    name_of(channel)),
                        "Either it still boots, or its image has no vsock, or it was not told to open this channel.");
    }
}

} // namespace tracer
