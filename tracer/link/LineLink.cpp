#include "tracer/link/LineLink.h"

#include "tracer/link/Connect.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <termios.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace tracer {

namespace {

constexpr uint32_t default_speed = 115200;

struct Speed {
    uint32_t bits_a_second;
    speed_t code;
};
constexpr std::array speeds = {
    Speed{9600, B9600},       Speed{19200, B19200},     Speed{38400, B38400},     Speed{57600, B57600},
    Speed{115200, B115200},   Speed{230400, B230400},   Speed{460800, B460800},   Speed{921600, B921600},
    Speed{1000000, B1000000}, Speed{1500000, B1500000}, Speed{2000000, B2000000}, Speed{3000000, B3000000},
    Speed{4000000, B4000000},
};

/// Eight bits, no parity, nothing translated, no modem lines: termios(3), "raw mode".
Result<> make_raw(int descriptor, uint32_t speed, const std::string& path) {
    const auto found = std::ranges::find(speeds, speed, &Speed::bits_a_second);
    if (found == speeds.end())
        return fail(fmt::format("a serial line cannot run at {} bits a second", speed),
                    "Use 9600, 115200 or another of the usual speeds.");
    termios settings{};
    if (tcgetattr(descriptor, &settings) != 0)
        return fail_errno(fmt::format("cannot read the settings of {}", path), errno);
    cfmakeraw(&settings);
    settings.c_cflag |= CLOCAL | CREAD;
    settings.c_cflag &= ~static_cast<tcflag_t>(HUPCL | CRTSCTS);
    cfsetspeed(&settings, found->code);
    if (tcsetattr(descriptor, TCSANOW, &settings) != 0)
        return fail_errno(fmt::format("cannot set up {}", path), errno);
    tcflush(descriptor, TCIFLUSH); // what an earlier reader left is none of ours
    return {};
}

Result<FileDescriptor> open_terminal(const std::string& path, uint32_t speed) {
    // Without O_NONBLOCK, opening a line without a carrier waits for one.
    FileDescriptor descriptor(::open(path.c_str(), O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
    if (!descriptor)
        return fail_errno(fmt::format("cannot open {}", path), errno,
                          errno == EACCES ? "Serial lines belong to the group `dialout`, pseudo-terminals to whoever "
                                            "started the machine."
                                          : "");
    if (flock(descriptor.get(), LOCK_EX | LOCK_NB) != 0)
        return fail(fmt::format("{} is used by another program", path),
                    "Two would take each other's bytes. `fuser -v` shows which it is.");
    TRY(make_raw(descriptor.get(), speed, path));
    const int flags = fcntl(descriptor.get(), F_GETFL);
    if (flags < 0 || fcntl(descriptor.get(), F_SETFL, flags & ~O_NONBLOCK) != 0)
        return fail_errno(fmt::format("cannot set up {}", path), errno);
    return descriptor;
}

Result<FileDescriptor> open_tcp(const Endpoint& endpoint, const OpenOptions& options) {
    std::string host = endpoint.host;
    if (host.front() == '[')
        host = host.substr(1, host.size() - 2);
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int error = getaddrinfo(host.c_str(), std::to_string(endpoint.port).c_str(), &hints, &found); error != 0)
        return fail(fmt::format("there is no host {}: {}", host, gai_strerror(error)));
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> addresses(found, &freeaddrinfo);
    const std::string what = fmt::format("{}:{}", endpoint.host, endpoint.port);
    const Patience patience(options);
    Result<FileDescriptor> connected = fail(fmt::format("there is no address of {}", host));
    for (const addrinfo* address = addresses.get(); address && !connected; address = address->ai_next)
        connected = connect_socket(address->ai_addr, address->ai_addrlen, what, patience);
    if (connected) {
        const int yes = 1; // gdb's packets are small, and each waits for an answer
        setsockopt(connected->get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        setsockopt(connected->get(), SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof yes);
    }
    return connected;
}

} // namespace

Result<FileDescriptor> open_line(const Endpoint& endpoint, const OpenOptions& options) {
    if (endpoint.kind == Endpoint::Kind::Tcp)
        return open_tcp(endpoint, options);
    struct stat status{};
    if (stat(endpoint.path.c_str(), &status) != 0)
        return fail_errno(fmt::format("cannot open {}", endpoint.path), errno,
                          "It is made when the machine starts: is it running?");
    if (S_ISSOCK(status.st_mode))
        return connect_unix(endpoint.path, endpoint.path, Patience(options));
    if (S_ISCHR(status.st_mode))
        return open_terminal(endpoint.path, endpoint.speed != 0 ? endpoint.speed : default_speed);
    return fail(fmt::format("{} is neither a terminal device nor a socket", endpoint.path),
                "Name the device of the line (/dev/ttyS1, /dev/pts/3) or the Unix socket of the machine's chardev.");
}

LineLink::LineLink(FileDescriptor line, std::string what)
    : m_given(what)
    , m_is_framed(true)
    , m_line(std::make_shared<FramedLine>(std::move(line), std::move(what))) {}

Result<FileDescriptor> LineLink::open(ChannelName channel, const OpenOptions& options) {
    if (m_endpoint.protocol == LineProtocol::RawGdb && channel == ChannelName::Gdb)
        return open_line(m_endpoint, options);
    if (!has(channel))
        return fail(fmt::format("{} carries gdb and nothing else, as far as is known: it has no {}",
                                to_string(m_endpoint), name_of(channel)),
                    "Give the guest `uniscope.serial=mux`, or virtio-serial ports, or vsock: docs/launchers.md.");
    const Patience patience(options);
    std::unique_lock opening(m_opening, std::defer_lock);
    while (!opening.try_lock_for(std::chrono::milliseconds(50)))
        if (patience.is_over())
            return fail(fmt::format("{} is being opened by another thread", to_string(m_endpoint)));
    if (m_line && m_line->has_ended() && m_given.empty())
        set_line(nullptr);
    if (!m_is_framed)
        return open_unknown(options);
    if (!m_line)
        set_line(std::make_shared<FramedLine>(TRY(open_line(m_endpoint, options)), to_string(m_endpoint)));
    opening.unlock(); // the others wait for the session, too
    return m_line->open(channel, patience);
}

Result<FileDescriptor> LineLink::open_unknown(const OpenOptions& options) {
    const Patience patience(options);
    auto line = std::make_shared<FramedLine>(TRY(open_line(m_endpoint, options)), to_string(m_endpoint));
    if (!line->wait_until_up(Patience({.timeout = std::min(detection_time, patience.left()), .stop = options.stop})))
        return line->has_ended() ? fail(fmt::format("{} has ended", to_string(m_endpoint)), "Is the machine running?")
                                 : Result<FileDescriptor>(line->release());
    set_line(line);
    m_is_framed = true;
    return line->open(ChannelName::Gdb, patience);
}

void LineLink::set_line(std::shared_ptr<FramedLine> line) {
    const std::lock_guard lock(m_mutex);
    m_line = std::move(line);
}

nlohmann::json LineLink::statistics() const {
    std::shared_ptr<FramedLine> line;
    {
        const std::lock_guard lock(m_mutex);
        line = m_line;
    }
    if (!line)
        return nullptr;
    const auto counts = line->statistics();
    return {{"frames_sent", counts.link.frames_sent},       {"frames_received", counts.link.frames_received},
            {"frames_damaged", counts.link.frames_damaged}, {"frames_lost", counts.link.frames_lost},
            {"time_outs", counts.link.time_outs},           {"dropped_text", counts.dropped_text}};
}

} // namespace tracer
