#pragma once
// VsockChannels: an instance's channels over a vsock device that lies in this process (tracer/vsock).

#include "tracer/link/Channel.h"
#include "tracer/link/Link.h"
#include "tracer/vsock/VsockBackend.h"

#include <asio/steady_timer.hpp>

#include <array>
#include <functional>
#include <memory>

namespace tracer {

/// Keeps channels connected: what the guest does not take yet, or is lost, is tried again when its driver comes up and
/// after a pause that doubles from 1 ms to 0.2 s. All calls and callbacks on the event loop's thread.
class VsockChannels {
public:
    /// `front_end` is a socket whose other end QEMU has. `uds`: see vsock::VsockBackend::Options.
    static Result<std::unique_ptr<VsockChannels>> create(asio::io_context& loop, FileDescriptor front_end,
                                                         const std::filesystem::path& uds,
                                                         std::function<void(const std::string&)> say);

    std::function<void(ChannelName, std::shared_ptr<Channel>)> on_open;

    /// From here on the channel is opened, and opened again.
    void keep(ChannelName channel);
    /// The channel that on_open gave away has ended.
    void lost(ChannelName channel);

private:
    struct Slot {
        explicit Slot(asio::io_context& loop)
            : timer(loop) {}
        asio::steady_timer timer; ///< runs while the next try is waited for
        std::chrono::milliseconds pause{0};
        bool is_waiting = false;
    };

    explicit VsockChannels(asio::io_context& loop);
    Slot& slot(ChannelName channel) { return m_slots[static_cast<size_t>(channel)]; }
    void open(ChannelName channel);
    void try_later(ChannelName channel);
    void driver_changed();

    asio::io_context& m_loop;
    /// A timer that has expired calls back even when it is gone.
    std::shared_ptr<void> m_alive = std::make_shared<char>();
    std::array<Slot, all_channels.size()> m_slots; ///< by the number of ChannelName
    std::unique_ptr<vsock::VsockBackend> m_backend;
};

} // namespace tracer
