#pragma once
// LineLink: `serial:PATH` and `tcp:HOST:PORT`, one line that carries gdb's protocol as it is.

#include "tracer/link/Link.h"

namespace tracer {

class LineLink final : public Link {
public:
    explicit LineLink(Endpoint endpoint)
        : m_endpoint(std::move(endpoint)) {}

    std::string_view kind() const override { return "serial"; }
    bool has(ChannelName channel) const override { return channel == ChannelName::Gdb; }
    /// Several opens of one line would mix their bytes: a terminal device is locked (flock), the others accept one.
    Result<FileDescriptor> open(ChannelName channel, const OpenOptions& options) override;

private:
    Endpoint m_endpoint;
};

/// The line itself: a terminal device in raw mode, a connected Unix or TCP socket.
Result<FileDescriptor> open_line(const Endpoint& endpoint, const OpenOptions& options);

} // namespace tracer
