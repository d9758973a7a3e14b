#pragma once
// SshLink: `ssh://HOST/NAME` runs `ssh HOST uniscope proxy NAME CHANNEL` for each channel. How the host is reached and
// who may is ssh's affair: the user's configuration and keys apply, and nothing is asked (BatchMode).

#include "tracer/link/Link.h"

#include <sys/types.h>

#include <mutex>
#include <vector>

namespace tracer {

class SshLink final : public Link {
public:
    explicit SshLink(Endpoint endpoint)
        : m_endpoint(std::move(endpoint)) {}
    /// Ends the programs that still run.
    ~SshLink() override;

    std::string_view kind() const override { return "ssh"; }
    /// Cores are taken by the supervisor over there.
    bool has(ChannelName channel) const override { return channel != ChannelName::Crash; }
    /// Each try is a login, which the other host logs and may count.
    std::chrono::milliseconds retry_pause() const override { return std::chrono::seconds(60); }
    Result<FileDescriptor> open(ChannelName channel, const OpenOptions& options) override;

private:
    void reap();

    Endpoint m_endpoint;
    std::mutex m_mutex;
    std::vector<pid_t> m_children; ///< under m_mutex
};

/// The words of the command: ssh, its options, and what runs over there.
std::vector<std::string> ssh_command(const Endpoint& endpoint, const std::vector<std::string>& remote);

/// What `uniscope proxy` says before the channel's first byte. Anything else in its place comes from the login.
inline constexpr std::string_view proxy_greeting = "uniscope-proxy 1";

} // namespace tracer
