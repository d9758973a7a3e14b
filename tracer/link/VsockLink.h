#pragma once
// VsockLink: `vsock:CID`, the host kernel's own AF_VSOCK (vsock(7)), which needs a hypervisor with vhost_vsock.

#include "tracer/link/Link.h"

namespace tracer {

/// The guest's port for a channel: probes/wire/Channel.h.
uint32_t vsock_port(ChannelName channel);

class VsockLink final : public Link {
public:
    explicit VsockLink(uint32_t cid)
        : m_cid(cid) {}

    std::string_view kind() const override { return "vsock"; }
    bool has(ChannelName) const override { return true; }
    Result<FileDescriptor> open(ChannelName channel, const OpenOptions& options) override;

private:
    uint32_t m_cid;
};

} // namespace tracer
