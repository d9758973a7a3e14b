#include "tracer/link/Qmp.h"

#include <fmt/format.h>

namespace tracer {

namespace {

// query-commands and the like stay far below; a longer line is no QEMU.
constexpr size_t max_line = 16u << 20;

} // namespace

Qmp::Qmp(std::shared_ptr<Channel> channel)
    : m_channel(std::move(channel)) {
    m_channel->on_bytes = [this](Channel::Bytes bytes) { receive(bytes); };
    m_channel->on_close = [this] {
        auto replies = std::exchange(m_replies, {});
        for (Reply& reply : replies)
            if (reply)
                reply(fail("QEMU ended"));
        if (on_close)
            on_close();
    };
    m_channel->start();
}

Qmp::~Qmp() {
    m_channel->close();
}

void Qmp::receive(Channel::Bytes bytes) {
    for (const uint8_t byte : bytes) {
        if (byte != '\n') {
            m_line += static_cast<char>(byte);
            continue;
        }
        const auto message = nlohmann::json::parse(m_line, nullptr, false);
        m_line.clear();
        if (message.is_object())
            handle(message);
    }
    if (m_line.size() > max_line)
        m_channel->close();
}

void Qmp::handle(const nlohmann::json& message) {
    if (message.contains("QMP") && !m_greeted) {
        m_greeted = true;
        m_replies.push_front([this](const Result<nlohmann::json>&) {
            m_ready = true;
            if (on_ready)
                on_ready();
        });
        send("qmp_capabilities", nullptr);
        for (const auto& [command, arguments] : std::exchange(m_held, {}))
            send(command, arguments);
    } else if (message.contains("event")) {
        if (on_event)
            on_event(message.value("event", ""), message.contains("data") ? message["data"] : nlohmann::json());
    } else if (!m_replies.empty() && (message.contains("return") || message.contains("error"))) {
        const Reply reply = std::move(m_replies.front());
        m_replies.pop_front();
        if (!reply)
            return;
        if (message.contains("error"))
            reply(fail(fmt::format("QEMU refused: {}", message["error"].value("desc", "no reason given"))));
        else
            reply(message["return"]);
    }
}

void Qmp::execute(std::string command, nlohmann::json arguments, Reply reply) {
    if (!m_channel->is_open()) {
        if (reply)
            reply(fail("QEMU ended"));
        return;
    }
    m_replies.push_back(std::move(reply));
    if (m_greeted)
        send(command, arguments);
    else
        m_held.emplace_back(std::move(command), std::move(arguments));
}

void Qmp::send(const std::string& command, const nlohmann::json& arguments) {
    nlohmann::json message = {{"execute", command}};
    if (!arguments.is_null())
        message["arguments"] = arguments;
    const std::string text = message.dump() + "\n";
    m_channel->send(Channel::Bytes(reinterpret_cast<const uint8_t*>(text.data()), text.size()));
}

} // namespace tracer
