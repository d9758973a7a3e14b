#pragma once
// console.sock: what the instance prints, from now on, to any number of clients; what they send is its input.

#include "tracer/instance/ConsoleLog.h"
#include "tracer/instance/Listener.h"

#include <functional>
#include <set>

namespace tracer {

/// Owns the console's file, too. A client that does not read is dropped when a mebibyte waits for it, for the instance
/// waits for nobody; and one whose input the instance does not take. On the event loop's thread.
class ConsoleServer {
public:
    ConsoleServer(asio::io_context& loop, const std::filesystem::path& log, mode_t log_mode);

    Result<> listen(const std::filesystem::path& path, mode_t mode) { return m_listener.listen(path, mode); }
    void close();

    /// The instance's console; replaces one that was lost.
    void set_guest(std::shared_ptr<Channel> guest);
    bool has_guest() const { return m_guest != nullptr && m_guest->is_open(); }
    const std::shared_ptr<Channel>& guest() const { return m_guest; }

    std::function<void(Channel::Bytes)> on_output;
    std::function<void()> on_lost;

private:
    static constexpr size_t high_water = 1u << 20;

    void accept(Channel::Socket socket);
    void output(Channel::Bytes bytes);

    ConsoleLog m_log;
    std::shared_ptr<Channel> m_guest;
    std::set<std::shared_ptr<Channel>> m_clients;
    Listener m_listener;
};

} // namespace tracer
