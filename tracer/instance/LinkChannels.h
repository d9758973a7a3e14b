#pragma once
// LinkChannels: keeps the channels of a link open, as long as somebody wants them.

#include "tracer/link/Channel.h"
#include "tracer/link/Link.h"

#include <asio/steady_timer.hpp>

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <thread>

namespace tracer {

/// A link's open() blocks, so each channel has a thread for the time of opening. What cannot be opened, or is lost, is
/// tried again after a pause that doubles from 0.2 seconds to the link's longest. Everything else is on the event
/// loop's thread, the callbacks included. The destructor waits for openings to be given up: about 50 ms, a name
/// server's time at worst.
class LinkChannels {
public:
    LinkChannels(asio::io_context& loop, std::unique_ptr<Link> link);
    ~LinkChannels();

    std::function<void(ChannelName, std::shared_ptr<Channel>)> on_open;
    std::function<void(ChannelName, const Error&)> on_failure;

    const Link& link() const { return *m_link; }

    /// Opens it, and again when lost() says so, until drop(). `steal` takes it from whoever has it, the first time.
    void keep(ChannelName channel, bool steal = false);
    /// Stops trying. An open channel is its user's to close.
    void drop(ChannelName channel);
    /// The channel that on_open gave has ended.
    void lost(ChannelName channel);
    void drop_all();

    /// Why it is not open; nothing while it is, or nobody has tried yet.
    const std::optional<Error>& problem(ChannelName channel) const { return slot(channel).problem; }

private:
    struct Slot {
        explicit Slot(asio::io_context& loop)
            : timer(loop) {}
        bool is_kept = false;
        bool is_opening = false;
        bool is_given_up = false; ///< the opening under way is not wanted any more
        bool is_open = false;
        bool steals = false;
        std::chrono::milliseconds pause{0};
        std::chrono::steady_clock::time_point opened{};
        std::optional<Error> problem;
        asio::steady_timer timer;
        std::jthread thread;
    };

    Slot& slot(ChannelName channel) { return m_slots[static_cast<size_t>(channel)]; }
    const Slot& slot(ChannelName channel) const { return m_slots[static_cast<size_t>(channel)]; }
    void open(ChannelName channel);
    void opened(ChannelName channel, Result<FileDescriptor> stream);
    void try_later(ChannelName channel);

    asio::io_context& m_loop;
    std::unique_ptr<Link> m_link;
    std::array<Slot, all_channels.size()> m_slots; ///< by the number of ChannelName
};

} // namespace tracer
