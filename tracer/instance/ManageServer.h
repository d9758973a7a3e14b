#pragma once
// manage.sock: the supervisor's answers to the CLI (link/ManageClient.h has the requests).

#include "tracer/instance/Listener.h"

#include <nlohmann/json.hpp>

#include <functional>
#include <set>
#include <string>

namespace tracer {

/// On the event loop's thread.
class ManageServer {
public:
    using Answer = std::function<void(nlohmann::json)>;
    using Handler = std::function<void(const nlohmann::json& request, Answer answer)>;

    /// `handler` answers each request once, at once or later.
    ManageServer(asio::io_context& loop, Handler handler);

    Result<> listen(const std::filesystem::path& path, mode_t mode) { return m_listener.listen(path, mode); }
    void close();

    /// Connections that asked to `hold` the instance and are still there.
    size_t holders() const { return m_holders.size(); }
    std::function<void()> on_released; ///< the last of them has gone
    /// From now on, `hold` is refused.
    void refuse_holders() { m_refuses_holders = true; }

private:
    void accept(Channel::Socket socket);
    void request(const std::shared_ptr<Channel>& client, const std::string& line);
    void client_gone(const std::shared_ptr<Channel>& client);

    Handler m_handler;
    std::set<std::shared_ptr<Channel>> m_clients;
    std::set<std::shared_ptr<Channel>> m_holders; ///< of the clients
    bool m_refuses_holders = false;
    Listener m_listener;
};

nlohmann::json failure_answer(const Error& error);

} // namespace tracer
