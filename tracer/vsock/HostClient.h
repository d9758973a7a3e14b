#pragma once
// The host's way to a port of a guest: through a Unix socket by the convention of Firecracker, Cloud Hypervisor and
// uniscope-vsockd (HostSide.h), or by the kernel's AF_VSOCK.
//
// Blocking, for the CLI; each gives up when its time is over. What they return is a connected, blocking stream socket
// from which nothing of the stream has been read.

#include "tracer/link/Socket.h"

namespace tracer::vsock {

/// Connects to `guest_port` through the socket at `path`. A refusal looks like a guest that is not ready yet, so it is
/// tried again until `timeout`.
Result<FileDescriptor> connect_vsock_uds(const std::filesystem::path& path, uint32_t guest_port,
                                         std::chrono::milliseconds timeout);

/// Connects to `guest_port` of the guest with the context id `cid`. A refusal is tried again until `timeout`.
Result<FileDescriptor> connect_vsock_cid(uint32_t cid, uint32_t guest_port, std::chrono::milliseconds timeout);

} // namespace tracer::vsock
