#include "tracer/link/VsockLink.h"

#include "probes/wire/Channel.h"
#include "tracer/link/Connect.h"

#include <fmt/format.h>

// After <sys/socket.h>, which it needs and does not include.
#include <linux/vm_sockets.h>

namespace tracer {

uint32_t vsock_port(ChannelName channel) {
    switch (channel) {
    case ChannelName::Console:
        return wire::vsock_port_console;
    case ChannelName::Gdb:
        return wire::vsock_port_gdb;
    case ChannelName::Control:
        return wire::vsock_port_control;
    case ChannelName::Trace:
        return wire::vsock_port_trace;
    case ChannelName::Crash:
        break;
    }
    return wire::vsock_port_crash;
}

Result<FileDescriptor> VsockLink::open(ChannelName channel, const OpenOptions& options) {
    sockaddr_vm address{};
    address.svm_family = AF_VSOCK;
    address.svm_cid = m_cid;
    address.svm_port = vsock_port(channel);
    auto connected = connect_socket(reinterpret_cast<const sockaddr*>(&address), sizeof address,
                                    fmt::format("vsock:{} port {} ({})", m_cid, address.svm_port, name_of(channel)),
                                    Patience(options));
    if (!connected && connected.error().hint.empty())
        connected.error().hint = "Is there a running guest of that context id? The kernel needs vhost_vsock; for the "
                                 "Unix socket of a vsock device, write unix:PATH.";
    return connected;
}

} // namespace tracer
