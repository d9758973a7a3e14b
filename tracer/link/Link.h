#pragma once
// Link: the host's seam to an instance. It opens a byte channel by name; what is above it is the same on every link.
// The guest's twin is drivers::ByteChannel.

#include "tracer/Result.h"
#include "tracer/link/Endpoint.h"
#include "tracer/link/Socket.h"

#include <nlohmann/json.hpp>

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string_view>

namespace tracer {

enum class ChannelName { Console, Gdb, Control, Trace, Crash };

inline constexpr std::array all_channels = {ChannelName::Console, ChannelName::Gdb, ChannelName::Control,
                                            ChannelName::Trace, ChannelName::Crash};

/// "gdb"; an instance's socket of it is NAME.sock, a virtio-serial port of it uniscope.NAME.
std::string_view name_of(ChannelName channel);
std::optional<ChannelName> parse_channel_name(std::string_view text);

struct OpenOptions {
    std::chrono::milliseconds timeout{5000};
    /// Take the channel away from whoever has it, where the link can.
    bool steal = false;
    /// Ends the wait at once; open() fails then.
    std::stop_token stop;
};

/// open() may be called from any thread, by several at once.
class Link {
public:
    Link() = default;
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;
    virtual ~Link() = default;

    /// "serial", "virtio-serial", "vsock", "ssh": as `uniscope ps` shows it. It may be known only after an open().
    virtual std::string_view kind() const = 0;
    /// Whether the link can carry the channel at all, as far as is known now.
    virtual bool has(ChannelName channel) const = 0;
    /// The longest pause between two tries to open a channel that is out of reach.
    virtual std::chrono::milliseconds retry_pause() const { return std::chrono::seconds(5); }
    /// A connected, blocking byte stream; closing it ends the channel. Blocks for about the timeout at most. The error
    /// says what is missing on which side.
    virtual Result<FileDescriptor> open(ChannelName channel, const OpenOptions& options) = 0;
    /// What the link has counted of itself, by names; null when there is nothing to count. Any thread.
    virtual nlohmann::json statistics() const { return nullptr; }
};

/// The link to what somebody else started. Nothing is opened yet, so this does not fail for what is out of reach.
std::unique_ptr<Link> make_link(const Endpoint& endpoint);

} // namespace tracer
