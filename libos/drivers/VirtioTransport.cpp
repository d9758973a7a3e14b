#include "libos/drivers/VirtioTransport.h"

#include <arch/Processor.h>

#include <algorithm>
#include <bit>

namespace drivers {

namespace {

/// Resets are instant in VMMs; hardware behind PCI may take a while.
base::Result<> reset_device(Platform& platform, VirtioTransport& transport) {
    transport.set_status(0);
    uint64_t limit = platform.timestamp_hz() / 10;
    uint64_t start = arch::timestamp();
    while (transport.status() != 0) {
        if (arch::timestamp() - start > limit)
            return base::fail(base::Error::TimedOut);
        arch::relax();
    }
    return {};
}

} // namespace

base::Result<uint64_t> virtio_negotiate(Platform& platform, VirtioTransport& transport, uint64_t wanted) {
    TRY(reset_device(platform, transport));
    transport.set_status(VirtioAcknowledge);
    transport.set_status(VirtioAcknowledge | VirtioDriver);
    uint64_t offered = transport.offered_features();
    if ((offered & virtio_feature_version_1) == 0) {
        transport.set_status(VirtioFailed);
        return base::fail(base::Error::NotSupported);
    }
    uint64_t accepted = offered & (wanted | virtio_feature_version_1 | virtio_feature_access_platform);
    transport.accept_features(accepted);
    transport.set_status(VirtioAcknowledge | VirtioDriver | VirtioFeaturesOk);
    if ((transport.status() & VirtioFeaturesOk) == 0) {
        transport.set_status(VirtioFailed);
        return base::fail(base::Error::NotSupported);
    }
    return accepted;
}

base::Result<> virtio_add_queue(Platform& platform, VirtioTransport& transport, uint16_t index, VirtQueue& queue,
                                bool event_index) {
    uint16_t limit_untrusted = transport.max_queue_size(index);
    if (limit_untrusted == 0)
        return base::fail(base::Error::NoSuchDevice);
    // A split queue's size is a power of two; a device whose limit is not gets the next one below.
    uint16_t size = std::bit_floor(std::min(limit_untrusted, VirtQueue::max_size));
    TRY(queue.allocate(platform.pages(), size));
    if (event_index)
        queue.use_event_index();
    return transport.enable_queue(index, queue);
}

void virtio_start(VirtioTransport& transport) {
    transport.set_status(VirtioAcknowledge | VirtioDriver | VirtioFeaturesOk | VirtioDriverOk);
}

void virtio_fail(Platform& platform, VirtioTransport& transport) {
    // Reset first: afterwards the device touches no memory of ours.
    [[maybe_unused]] auto in_time = reset_device(platform, transport);
    transport.set_status(VirtioFailed);
}

} // namespace drivers
