#pragma once
// control.sock: any number of clients share the instance's one control channel.

#include "tracer/instance/Listener.h"
#include "tracer/link/Frame.h"

#include <functional>
#include <map>
#include <optional>
#include <set>

namespace tracer {

/// Gives each request a number of its own on the way to the guest and its client's number on the way back. A client
/// that started a recording and vanishes has it stopped on its behalf. On the event loop's thread.
class ControlHub {
public:
    ControlHub(asio::io_context& loop, std::shared_ptr<Channel> guest);

    std::function<void(const wire::HelloMessage&)> on_hello;
    std::function<void(const wire::ExitedMessage&)> on_exited;
    /// The guest's stream is no frame stream.
    std::function<void(const Error&)> on_broken;
    /// A client asked for packets (true), or the recorder has vanished (false).
    std::function<void(bool)> on_recording;

    Result<> listen(const std::filesystem::path& path) { return m_listener.listen(path); }
    void close();

    void acknowledge_exit();
    /// Asks the guest for a sign of life: `on_alive` is called when it answers.
    void probe();
    std::function<void()> on_alive;
    const std::optional<wire::HelloMessage>& hello() const { return m_hello; }

private:
    struct Client {
        std::shared_ptr<Channel> channel;
        FrameDecoder decoder;
        bool records = false;
    };
    struct Pending {
        std::weak_ptr<Client> client;
        uint32_t request;
    };

    void accept(Channel::Socket socket);
    void client_frame(const std::shared_ptr<Client>& client, Frame frame);
    uint32_t take_request_number();
    void client_gone(const std::shared_ptr<Client>& client);
    void guest_frame(const Frame& frame);

    std::shared_ptr<Channel> m_guest;
    FrameDecoder m_decoder;
    std::set<std::shared_ptr<Client>> m_clients;
    std::map<uint32_t, Pending> m_pending;
    uint32_t m_next_request = 1;
    uint32_t m_probe_request = 0; ///< of the newest probe; 0: answered
    std::optional<wire::HelloMessage> m_hello;
    Listener m_listener;
};

} // namespace tracer
