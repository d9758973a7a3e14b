#pragma once
// VirtioTransport: how a driver reaches one virtio 1.x device, over MMIO or PCI; and the start-up dance that all
// drivers share (Virtual I/O Device 1.2, section 3.1).
//
// Set-up calls are for start-up, in thread context, by one driver. notify() and acknowledge_interrupt() may be called
// from anywhere, the stopped world included: each is one register access and no state is shared between queues.

#include "libos/drivers/Platform.h"
#include "libos/drivers/VirtQueue.h"

#include <cstdint>

namespace drivers {

enum class VirtioDeviceType : uint32_t { None = 0, Console = 3, Entropy = 4, Socket = 19 };

enum VirtioStatus : uint8_t {
    VirtioAcknowledge = 1,
    VirtioDriver = 2,
    VirtioDriverOk = 4,
    VirtioFeaturesOk = 8,
    VirtioNeedsReset = 64,
    VirtioFailed = 128,
};

/// Notifications and interrupts by index (VirtQueue::use_event_index()).
inline constexpr uint64_t virtio_feature_event_index = uint64_t{1} << 29;
inline constexpr uint64_t virtio_feature_version_1 = uint64_t{1} << 32;
/// The device wants what addresses the platform translates. They are physical ones here, so accepting costs nothing.
inline constexpr uint64_t virtio_feature_access_platform = uint64_t{1} << 33;

class VirtioTransport {
public:
    virtual VirtioDeviceType device_type() const = 0;

    virtual uint8_t status() = 0;
    /// 0 resets the device; status() reads 0 when it has.
    virtual void set_status(uint8_t status) = 0;
    virtual uint64_t offered_features() = 0;
    virtual void accept_features(uint64_t features) = 0;

    /// Largest size of a queue, 0 when there is no such queue.
    virtual uint16_t max_queue_size(uint16_t queue) = 0;
    /// Tells the device where the queue is. Before DRIVER_OK.
    virtual base::Result<> enable_queue(uint16_t queue, const VirtQueue& memory) = 0;
    virtual void notify(uint16_t queue) = 0;

    /// A 32-bit field of the device's configuration; one access, so always consistent. Error::Io past its end.
    virtual base::Result<uint32_t> read_config32(size_t offset) = 0;

    /// One handler for all of the device's interrupts; after the negotiation, before its queues are enabled.
    /// Error::NotSupported: poll.
    virtual base::Result<> connect_interrupt(InterruptHandler handler, void* context) = 0;
    /// First thing in the handler, quiets the line. False: another device on the line was meant.
    virtual bool acknowledge_interrupt() = 0;

protected:
    ~VirtioTransport() = default;
};

/// Reset, acknowledge, negotiate. Returns those of `wanted` that the device has. Error::NotSupported for a device that
/// is not virtio 1.x or does not take the choice.
base::Result<uint64_t> virtio_negotiate(Platform& platform, VirtioTransport& transport, uint64_t wanted);

/// The largest queue that both sides can have, allocated and made known. Error::NoSuchDevice when the device has none.
base::Result<> virtio_add_queue(Platform& platform, VirtioTransport& transport, uint16_t index, VirtQueue& queue,
                                bool event_index = false);

/// The device may work from here on.
void virtio_start(VirtioTransport& transport);

/// Gives a device up. Its queues may be released afterwards.
void virtio_fail(Platform& platform, VirtioTransport& transport);

} // namespace drivers
