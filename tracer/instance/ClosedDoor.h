#pragma once
// ClosedDoor: the channels of a machine that this host runs and that asks for a key nevertheless (`uniscope run
// --closed`). A thread a channel shakes hands for as long as the instance lives.

#include "tracer/auth/AuthenticatedLink.h"
#include "tracer/link/Link.h"

#include <memory>
#include <string>

namespace tracer {

class ClosedDoor {
public:
    /// `name` is the instance's, for sentences.
    ClosedDoor(LinkIdentity identity, std::string name);

    /// The user's end of a channel. Without a key nothing ever comes of it.
    Result<FileDescriptor> guard(FileDescriptor stream, ChannelName channel) const;
    /// The same of each channel of `link` but the console. The door may go before it.
    std::unique_ptr<Link> guarded(std::unique_ptr<Link> link) const;
    /// Whether check() has the instance's answer, or needs none. Any thread.
    bool is_decided(ChannelName channel) const;
    /// Whether the instance has let us in there, or why not. Any thread.
    Result<> check(ChannelName channel) const;

private:
    struct Admissions;

    LinkIdentity m_identity;
    std::string m_name;
    Result<std::shared_ptr<const PrivateKey>> m_key;
    std::shared_ptr<Admissions> m_admissions;
};

} // namespace tracer
