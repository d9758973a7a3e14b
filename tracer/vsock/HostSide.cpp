#include "tracer/vsock/HostSide.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>

namespace tracer::vsock {

namespace {

/// "CONNECT 4294967295\n" and room for spaces.
constexpr size_t max_line = 32;
/// "_4294967295"
constexpr size_t max_suffix = 11;

} // namespace

std::optional<uint32_t> parse_connect_line(std::string_view line) {
    constexpr std::string_view verb = "CONNECT ";
    if (!line.starts_with(verb))
        return std::nullopt;
    line.remove_prefix(verb.size());
    if (!line.ends_with('\n'))
        return std::nullopt;
    line.remove_suffix(1);
    if (line.ends_with('\r'))
        line.remove_suffix(1);
    uint32_t port = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), port);
    if (error != std::errc() || end != line.data() + line.size())
        return std::nullopt;
    return port;
}

HostSide::HostSide(asio::io_context& loop, std::filesystem::path path, OnConnect on_connect)
    : m_loop(loop)
    , m_path(std::move(path))
    , m_on_connect(std::move(on_connect))
    , m_clock(loop)
    , m_alive(std::make_shared<char>()) {}

HostSide::~HostSide() = default;

Result<std::unique_ptr<HostSide>> HostSide::create(asio::io_context& loop, const std::filesystem::path& path,
                                                   OnConnect on_connect) {
    if (path.native().size() + max_suffix > max_socket_path)
        return fail(fmt::format("the socket path {} is longer than {} bytes, and the guest's connections need room for "
                                "their port behind it",
                                path.string(), max_socket_path - max_suffix),
                    "Give a shorter path, below /run or /tmp.");
    std::unique_ptr<HostSide> made(new HostSide(loop, path, std::move(on_connect)));
    HostSide& side = *made;
    side.m_listener =
        TRY(LocalListener::create(loop, path, [&side](FileDescriptor client) { side.accepted(std::move(client)); }));
    return made;
}

Result<FileDescriptor> HostSide::open(uint32_t port) const {
    return connect_local(fmt::format("{}_{}", m_path.string(), port), "the listener of the guest's connections");
}

void HostSide::accepted(FileDescriptor socket) {
    if (m_clients.size() >= max_clients)
        return; // closed: it may come again
    const auto client = m_clients.insert(m_clients.end(), {{}, nullptr, std::chrono::steady_clock::now()});
    client->watch = std::make_unique<Watch>(m_loop, std::move(socket),
                                            Watch::Callbacks{.on_readable = [this, client] { readable(client); }});
    client->watch->await_readable();
    start_clock();
}

void HostSide::readable(std::list<Client>::iterator client) {
    // What is behind the line belongs to the stream: look first, then take no more than the line.
    std::array<char, max_line> bytes;
    const int socket = client->watch->get();
    const ssize_t seen = recv(socket, bytes.data(), bytes.size(), MSG_PEEK | MSG_DONTWAIT);
    if (seen < 0 && (errno == EAGAIN || errno == EINTR)) {
        client->watch->await_readable();
        return;
    }
    std::string_view text(bytes.data(), static_cast<size_t>(std::max<ssize_t>(seen, 0)));
    const size_t end = text.find('\n');
    if (end != text.npos)
        text = text.substr(0, end + 1);
    client->line += text;
    const bool taken = recv(socket, bytes.data(), text.size(), MSG_DONTWAIT) == static_cast<ssize_t>(text.size());
    if (taken && !text.empty() && end == text.npos && client->line.size() < max_line) {
        client->watch->await_readable();
        return;
    }
    const auto port = taken && end != text.npos ? parse_connect_line(client->line) : std::nullopt;
    FileDescriptor connected;
    if (port)
        connected = client->watch->release();
    m_clients.erase(client);
    if (connected)
        m_on_connect(*port, std::move(connected));
}

void HostSide::start_clock() {
    if (std::exchange(m_clock_runs, true))
        return;
    m_clock.expires_after(std::chrono::seconds(1));
    m_clock.async_wait([this, alive = std::weak_ptr(m_alive)](asio::error_code) {
        if (alive.expired())
            return;
        m_clock_runs = false;
        const auto now = std::chrono::steady_clock::now();
        std::erase_if(m_clients, [&](const Client& client) { return now - client.since >= patience; });
        if (!m_clients.empty())
            start_clock();
    });
}

} // namespace tracer::vsock
