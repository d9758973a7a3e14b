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
    channel->on_close = [this, weak] { client_gone(weak.lock()); };
    channel->on_bytes = [this, weak, text = std::string()](Channel::Bytes bytes) mutable {
        const auto self = weak.lock();
        text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        for (size_t end = text.find('\n'); self && end != std::string::npos; end = text.find('\n')) {
            request(self, text.substr(0, end));
            text.erase(0, end + 1);
        }
        if (text.size() > max_request)
            text.clear();
    };
    channel->start();
}

void ManageServer::request(const std::shared_ptr<Channel>& client, const std::string& line) {
    const std::weak_ptr<Channel> weak = client;
    const auto parsed = nlohmann::json::parse(line, nullptr, false);
    if (!parsed.is_object())
        send_line(weak, failure_answer({"the request is no JSON object", ""}));
    else if (parsed.value("do", nlohmann::json()) == "hold" && m_refuses_holders)
        send_line(weak, failure_answer({"the supervisor is about to end", ""}));
    else if (parsed.value("do", nlohmann::json()) == "hold") {
        m_holders.insert(client);
        send_line(weak, {{"ok", true}});
    } else
        m_handler(parsed, [weak](const nlohmann::json& answer) { send_line(weak, answer); });
}

void ManageServer::client_gone(const std::shared_ptr<Channel>& client) {
    m_clients.erase(client);
    if (m_holders.erase(client) != 0 && m_holders.empty() && on_released)
        on_released();
}

void ManageServer::close() {
    m_listener.close();
    m_holders.clear();
    for (const auto& client : std::exchange(m_clients, {}))
        client->close_when_sent();
}

} // namespace tracer
