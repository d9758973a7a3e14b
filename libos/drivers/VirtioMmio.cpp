#include "libos/drivers/VirtioMmio.h"

#include "libos/base/Bits.h"
#include "libos/base/Text.h"

#include <arch/Io.h>

namespace drivers {

namespace {

// Section 4.2.2.
enum Register : size_t {
    Magic = 0x000,
    Version = 0x004,
    DeviceId = 0x008,
    DeviceFeatures = 0x010,
    DeviceFeaturesSelect = 0x014,
    DriverFeatures = 0x020,
    DriverFeaturesSelect = 0x024,
    QueueSelect = 0x030,
    QueueSizeMax = 0x034,
    QueueSize = 0x038,
    QueueReady = 0x044,
    QueueNotify = 0x050,
    InterruptStatus = 0x060,
    InterruptAcknowledge = 0x064,
    Status = 0x070,
    QueueDescriptors = 0x080,
    QueueDriver = 0x090,
    QueueDevice = 0x0a0,
    Config = 0x100,
};

constexpr uint32_t magic = 0x74726976; // "virt"
constexpr uint32_t legacy_version = 1;
constexpr uint32_t modern_version = 2;

} // namespace

uint32_t VirtioMmio::read(size_t offset) const {
    return arch::mmio_read32(m_registers + offset);
}
void VirtioMmio::write(size_t offset, uint32_t value) const {
    arch::mmio_write32(m_registers + offset, value);
}

void VirtioMmio::write_address(size_t offset, PhysicalAddress address) const {
    write(offset, static_cast<uint32_t>(address));
    write(offset + 4, static_cast<uint32_t>(address >> 32));
}

base::Result<> VirtioMmio::open(Platform& platform, const Location& location) {
    if (location.size < Config)
        return base::fail(base::Error::Invalid);
    m_platform = &platform;
    m_registers = TRY(platform.map_mmio(location.address, location.size));
    m_size = location.size;
    m_line = location.line;
    if (read(Magic) != magic)
        return base::fail(base::Error::NoSuchDevice);
    uint32_t version = read(Version);
    m_type = static_cast<VirtioDeviceType>(read(DeviceId));
    if (m_type == VirtioDeviceType::None)
        return base::fail(base::Error::NoSuchDevice); // an empty slot
    if (version != modern_version) {
        base::Text<160> line;
        line.put("virtio-mmio device at 0x").hex(location.address).put(" has version ").decimal(version);
        if (version == legacy_version)
            line.put(", which is not supported: give QEMU -global virtio-mmio.force-legacy=false");
        platform.log(line.view());
        return base::fail(base::Error::NotSupported);
    }
    return {};
}

uint8_t VirtioMmio::status() {
    return static_cast<uint8_t>(read(Status));
}
void VirtioMmio::set_status(uint8_t status) {
    write(Status, status);
}

uint64_t VirtioMmio::offered_features() {
    write(DeviceFeaturesSelect, 1);
    uint64_t features = uint64_t{read(DeviceFeatures)} << 32;
    write(DeviceFeaturesSelect, 0);
    return features | read(DeviceFeatures);
}

void VirtioMmio::accept_features(uint64_t features) {
    write(DriverFeaturesSelect, 1);
    write(DriverFeatures, static_cast<uint32_t>(features >> 32));
    write(DriverFeaturesSelect, 0);
    write(DriverFeatures, static_cast<uint32_t>(features));
}

uint16_t VirtioMmio::max_queue_size(uint16_t queue) {
    write(QueueSelect, queue);
    uint32_t limit_untrusted = read(QueueSizeMax);
    return limit_untrusted > 0x8000 ? 0 : static_cast<uint16_t>(limit_untrusted);
}

base::Result<> VirtioMmio::enable_queue(uint16_t queue, const VirtQueue& memory) {
    write(QueueSelect, queue);
    if (read(QueueReady) != 0)
        return base::fail(base::Error::Busy);
    write(QueueSize, memory.size());
    write_address(QueueDescriptors, memory.descriptor_address());
    write_address(QueueDriver, memory.driver_address());
    write_address(QueueDevice, memory.device_address());
    write(QueueReady, 1);
    return {};
}

void VirtioMmio::notify(uint16_t queue) {
    write(QueueNotify, queue);
}

base::Result<uint32_t> VirtioMmio::read_config32(size_t offset) {
    if (!base::range_fits(Config + offset, sizeof(uint32_t), m_size))
        return base::fail(base::Error::Io);
    return read(Config + offset);
}

base::Result<> VirtioMmio::connect_interrupt(InterruptHandler handler, void* context) {
    return m_platform->connect_interrupt(m_line, InterruptTrigger::Level, handler, context);
}

bool VirtioMmio::acknowledge_interrupt() {
    uint32_t pending = read(InterruptStatus);
    if (pending == 0)
        return false;
    write(InterruptAcknowledge, pending);
    return true;
}

} // namespace drivers
