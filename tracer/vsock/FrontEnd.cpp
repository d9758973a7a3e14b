#include "tracer/vsock/FrontEnd.h"

#include <sys/socket.h>

namespace tracer::vsock {

namespace {

bool is_listening(const FileDescriptor& socket) {
    int value = 0;
    socklen_t size = sizeof value;
    return getsockopt(socket.get(), SOL_SOCKET, SO_ACCEPTCONN, &value, &size) == 0 && value != 0;
}

} // namespace

FrontEnd::FrontEnd(asio::io_context& loop, OnConnected on_connected)
    : m_on_connected(std::move(on_connected))
    , m_timer(loop)
    , m_alive(std::make_shared<char>()) {}

FrontEnd::~FrontEnd() = default;

Result<std::unique_ptr<FrontEnd>> FrontEnd::create(asio::io_context& loop, FrontEndPlace place,
                                                   OnConnected on_connected) {
    std::unique_ptr<FrontEnd> made(new FrontEnd(loop, std::move(on_connected)));
    FrontEnd& front_end = *made;
    const auto on_client = [&front_end](FileDescriptor client) { front_end.connected(std::move(client)); };
    if (auto* connect = std::get_if<ConnectToFrontEnd>(&place)) {
        if (connect->path.native().size() > max_socket_path)
            return fail("the path of the vhost-user socket is too long", "Give a shorter one, below /run or /tmp.");
        front_end.m_connect_to = std::move(connect->path);
        front_end.later(std::chrono::milliseconds(0), [&front_end] { front_end.try_to_connect(); });
    } else if (auto* listen = std::get_if<ListenForFrontEnd>(&place)) {
        front_end.m_listener = TRY(LocalListener::create(loop, listen->path, on_client));
    } else if (auto& socket = std::get<GivenFrontEnd>(place).socket; is_listening(socket)) {
        front_end.m_listener = LocalListener::adopt(loop, std::move(socket), on_client);
    } else {
        const auto shared = std::make_shared<FileDescriptor>(std::move(socket));
        front_end.later(std::chrono::milliseconds(0),
                        [&front_end, shared] { front_end.connected(std::move(*shared)); });
    }
    return made;
}

void FrontEnd::connected(FileDescriptor socket) {
    if (!std::exchange(m_busy, true))
        m_on_connected(std::move(socket));
}

void FrontEnd::later(std::chrono::milliseconds pause, std::function<void()> what) {
    m_timer.expires_after(pause);
    m_timer.async_wait([alive = std::weak_ptr(m_alive), what = std::move(what)](asio::error_code) {
        if (!alive.expired())
            what();
    });
}

void FrontEnd::try_to_connect() {
    auto socket = connect_local(m_connect_to, "QEMU");
    if (socket)
        connected(std::move(*socket));
    else
        later(retry_pause, [this] { try_to_connect(); });
}

void FrontEnd::release() {
    m_busy = false;
    if (!m_connect_to.empty())
        later(retry_pause, [this] { try_to_connect(); });
}

} // namespace tracer::vsock
