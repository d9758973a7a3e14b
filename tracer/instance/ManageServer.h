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

    Result<> listen(const std::filesystem::path& path) { return m_listener.listen(path); }
    void close();

private:
    void accept(Channel::Socket socket);

    Handler m_handler;
    std::set<std::shared_ptr<Channel>> m_clients;
    Listener m_listener;
};

nlohmann::json failure_answer(const Error& error);

} // namespace tracer
