#pragma once
// QEMU's machine protocol over one channel: commands answered in order, and events.
// The protocol: docs/interop/qmp-spec of QEMU.

#include "tracer/Result.h"
#include "tracer/link/Channel.h"

#include <nlohmann/json.hpp>

#include <deque>
#include <functional>
#include <string>

namespace tracer {

/// On the event loop's thread only. The greeting and qmp_capabilities are handled here; commands may be given before.
class Qmp {
public:
    using Reply = std::function<void(Result<nlohmann::json>)>;

    explicit Qmp(std::shared_ptr<Channel> channel);
    ~Qmp();

    /// `data` is the event's own part, null when it has none.
    std::function<void(const std::string& name, const nlohmann::json& data)> on_event;
    std::function<void()> on_ready;
    std::function<void()> on_close;

    void execute(std::string command, nlohmann::json arguments = nullptr, Reply reply = {});
    bool is_ready() const { return m_ready; }

private:
    void receive(Channel::Bytes bytes);
    void handle(const nlohmann::json& message);
    void send(const std::string& command, const nlohmann::json& arguments);

    std::shared_ptr<Channel> m_channel;
    std::string m_line;
    std::deque<Reply> m_replies;
    std::deque<std::pair<std::string, nlohmann::json>> m_held; // until the greeting
    bool m_greeted = false;
    bool m_ready = false;
};

} // namespace tracer
