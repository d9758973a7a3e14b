#include "tracer/instance/ManageServer.h"

namespace tracer {

namespace {

constexpr size_t max_request = 65536;

void send_line(const std::weak_ptr<Channel>& weak, const nlohmann::json& answer) {
    const auto channel = weak.lock();
    if (!channel)
        return;
    const std::string text = answer.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    channel->send(Channel::Bytes(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
}

} // namespace

nlohmann::json failure_answer(const Error& error) {
    return {{"ok", false}, {"message", error.message}, {"hint", error.hint}};
}

ManageServer::ManageServer(asio::io_context& loop, Handler handler)
    : m_handler(std::move(handler))
    , m_listener(loop, [this](Channel::Socket socket) { accept(std::move(socket)); }) {}

void ManageServer::accept(Channel::Socket socket) {
    const auto channel = Channel::create(std::move(socket));
    m_clients.insert(channel);
    const std::weak_ptr<Channel> weak = channel;
    channel->on_close = [this, weak] { m_clients.erase(weak.lock()); };
    channel->on_bytes = [this, weak, line = std::string()](Channel::Bytes bytes) mutable {
        line.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        for (size_t end = line.find('\n'); end != std::string::npos; end = line.find('\n')) {
            const auto request = nlohmann::json::parse(line.substr(0, end), nullptr, false);
            line.erase(0, end + 1);
            if (request.is_object())
                m_handler(request, [weak](const nlohmann::json& answer) { send_line(weak, answer); });
            else
                send_line(weak, failure_answer({"the request is no JSON object", ""}));
        }
        if (line.size() > max_request)
            line.clear();
    };
    channel->start();
}

void ManageServer::close() {
    m_listener.close();
    for (const auto& client : std::exchange(m_clients, {}))
        client->close_when_sent();
}

} // namespace tracer
