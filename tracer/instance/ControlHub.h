#pragma once
// control.sock: any number of clients share the instance's one control channel.

#include "probes/wire/Audit.h"
#include "tracer/instance/Listener.h"
#include "tracer/link/Frame.h"
#include "tracer/link/Peer.h"

#include <functional>
#include <map>
#include <optional>
#include <set>

namespace tracer {

/// Gives each request a number of its own on the way to the guest and its client's number on the way back. A client
/// that started a recording and vanishes has it stopped on its behalf. On the event loop's thread.
class ControlHub {
public:
    explicit ControlHub(asio::io_context& loop);

    std::function<void(const wire::HelloMessage&)> on_hello;
    std::function<void(const wire::ExitedMessage&)> on_exited;
    std::function<void(const wire::AuditMessage&)> on_audit;
    /// The guest's stream is no frame stream; on_lost follows.
    std::function<void(const Error&)> on_broken;
    std::function<void()> on_lost;
    /// A client asked for packets (true), or the recorder has vanished (false).
    std::function<void(bool)> on_recording;

    Result<> listen(const std::filesystem::path& path, mode_t mode) { return m_listener.listen(path, mode); }
    void close();

    /// The guest's channel; replaces one that was lost. A recording that a client had then is stopped first.
    void set_guest(std::shared_ptr<Channel> guest);
    bool has_guest() const { return m_guest != nullptr; }

    void acknowledge_exit();
    /// Asks the guest for its Hello.
    void query_hello();
    /// Stops the recording of whichever client has one, on its behalf: it gets its end as if it had asked. False when
    /// there is none.
    bool stop_recording();
    /// The client that records.
    std::optional<Peer> recorder() const;

    /// Asks the guest for a sign of life: `on_alive` is called when it answers.
    void probe();
    std::function<void()> on_alive;
    const std::optional<wire::HelloMessage>& hello() const { return m_hello; }
    /// What the newest probe's answer said.
    const std::optional<wire::StatusMessage>& guest_status() const { return m_status; }

private:
    struct Client {
        std::shared_ptr<Channel> channel;
        std::optional<Peer> peer;
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
    void guest_bytes(Channel::Bytes bytes);
    void guest_frame(const Frame& frame);
    void guest_lost();

    std::shared_ptr<Channel> m_guest;
    FrameDecoder m_decoder;
    std::set<std::shared_ptr<Client>> m_clients;
    std::map<uint32_t, Pending> m_pending;
    uint32_t m_next_request = 1;
    uint32_t m_probe_request = 0; ///< of the newest probe; 0: answered
    bool m_stop_owed = false;     ///< the guest was lost while a client recorded
    std::optional<wire::HelloMessage> m_hello;
    std::optional<wire::StatusMessage> m_status;
    Listener m_listener;
};

} // namespace tracer
