#pragma once
// UnixLink: `unix:PATH`. A socket is that of a vsock device, by the convention of Firecracker ("Using the Firecracker
// Virtio-vsock Device", host-initiated connections) and Cloud Hypervisor: after `CONNECT PORT\n` and the answer
// `OK NUMBER\n`, the connection is the guest's. A directory holds one socket a virtio-serial port, by the port's name,
// which is how libvirt lays them out.

#include "tracer/link/Link.h"

namespace tracer {

class UnixLink final : public Link {
public:
    explicit UnixLink(std::filesystem::path path)
        : m_path(std::move(path)) {}

    std::string_view kind() const override;
    bool has(ChannelName channel) const override;
    Result<FileDescriptor> open(ChannelName channel, const OpenOptions& options) override;

private:
    bool is_directory() const;
    std::filesystem::path port_path(ChannelName channel) const;
    Result<FileDescriptor> open_port(ChannelName channel, const OpenOptions& options) const;
    Result<FileDescriptor> open_vsock(ChannelName channel, const OpenOptions& options) const;

    std::filesystem::path m_path;
};

/// Whether the hypervisor's answer to CONNECT says that the guest has accepted.
bool is_connect_answer(std::string_view line_untrusted);

} // namespace tracer
