#pragma once
// The instance's vsock: one engine over the machine's device, the app's sockets and the kernel's channels on it, and a
// kernel thread that keeps its time.

#include "libos/drivers/ByteChannel.h"
#include "libos/drivers/Platform.h"
#include "libos/drivers/SocketDevice.h"
#include "libos/fs/Services.h"

#include <cstdint>

namespace vsock {

/// Boot, thread context. Nothing without a device. `platform` lives for ever.
void start(drivers::SocketDevice* device, drivers::Platform& platform, uint32_t max_connections);

/// Boot, thread context: listens on `port` for the host. nullptr without a device or memory.
drivers::ByteChannel* open_channel(uint32_t port);

/// For the file system; nullptr without a device.
fs::SocketSource* sockets();

} // namespace vsock
