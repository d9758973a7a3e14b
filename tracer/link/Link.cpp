#include "tracer/link/Link.h"

#include "tracer/link/LineLink.h"
#include "tracer/link/SshLink.h"
#include "tracer/link/UnixLink.h"
#include "tracer/link/VsockLink.h"

#include <algorithm>

namespace tracer {

std::string_view name_of(ChannelName channel) {
    switch (channel) {
    case ChannelName::Console:
        return "console";
    case ChannelName::Gdb:
        return "gdb";
    case ChannelName::Control:
        return "control";
    case ChannelName::Trace:
        return "trace";
    case ChannelName::Crash:
        break;
    }
    return "crash";
}

std::optional<ChannelName> parse_channel_name(std::string_view text) {
    const auto found = std::ranges::find(all_channels, text, name_of);
    return found == all_channels.end() ? std::nullopt : std::optional(*found);
}

std::unique_ptr<Link> make_link(const Endpoint& endpoint) {
    switch (endpoint.kind) {
    case Endpoint::Kind::Unix:
        return std::make_unique<UnixLink>(endpoint.path);
    case Endpoint::Kind::Vsock:
        return std::make_unique<VsockLink>(endpoint.cid);
    case Endpoint::Kind::Ssh:
        return std::make_unique<SshLink>(endpoint);
    case Endpoint::Kind::Serial:
    case Endpoint::Kind::Tcp:
        break;
    }
    return std::make_unique<LineLink>(endpoint);
}

} // namespace tracer
