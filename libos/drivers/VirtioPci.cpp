#include "libos/drivers/VirtioPci.h"

#include "libos/base/Bits.h"
#include "libos/base/Text.h"

#include <arch/Io.h>

namespace drivers {

namespace {

// PCI configuration space, type 0 header.
constexpr uint8_t vendor_offset = 0x00, device_offset = 0x02, command_offset = 0x04, pci_status_offset = 0x06;
constexpr uint8_t first_bar_offset = 0x10, subsystem_offset = 0x2e, capabilities_offset = 0x34;
constexpr uint16_t command_memory = 0x2, command_bus_master = 0x4, command_no_line_interrupt = 0x400;
constexpr uint16_t status_has_capabilities = 0x10;
constexpr unsigned bar_count = 6;
constexpr uint32_t bar_is_port = 0x1, bar_type_mask = 0x6, bar_type_64 = 0x4, bar_flags = 0xf;

constexpr uint8_t capability_vendor = 0x09, capability_msix = 0x11;
// No more capabilities than this fit in the space; a longer list has a loop.
constexpr unsigned max_capabilities = 48;

// struct virtio_pci_cap, section 4.1.4.
constexpr uint8_t cap_type = 3, cap_bar = 4, cap_offset = 8, cap_length = 12, cap_notify_multiplier = 16;
enum CapabilityType : uint8_t { CommonConfig = 1, NotifyConfig = 2, IsrConfig = 3, DeviceConfig = 4 };

// struct virtio_pci_common_cfg, section 4.1.4.3.
enum Common : size_t {
    DeviceFeatureSelect = 0x00,
    DeviceFeature = 0x04,
    DriverFeatureSelect = 0x08,
    DriverFeature = 0x0c,
    MessageVector = 0x10,
    Status = 0x14,
    QueueSelect = 0x16,
    QueueSize = 0x18,
    QueueMessageVector = 0x1a,
    QueueEnable = 0x1c,
    QueueNotifyOffset = 0x1e,
    QueueDescriptors = 0x20,
    QueueDriver = 0x28,
    QueueDevice = 0x30,
    CommonSize = 0x38,
};

constexpr uint16_t no_vector = 0xffff;

// MSI-X, PCI Local Bus 3.0, section 6.8.2.
constexpr uint8_t msix_control = 2, msix_table = 4;
constexpr uint16_t msix_enable = 0x8000, msix_mask_all = 0x4000;
constexpr uint32_t msix_bar_mask = 7;
enum MessageEntry : size_t { AddressLow = 0, AddressHigh = 4, Data = 8, VectorControl = 12, EntrySize = 16 };

/// PCI device ids: 0x1040 + type for modern devices; transitional ones have theirs in the subsystem id.
VirtioDeviceType type_of(uint16_t device, uint16_t subsystem) {
    if (device >= 0x1040 && device < 0x1080)
        return static_cast<VirtioDeviceType>(device - 0x1040);
    if (device >= 0x1000 && device < 0x1040)
        return static_cast<VirtioDeviceType>(subsystem);
    return VirtioDeviceType::None;
}

} // namespace

VirtioPci::Bar VirtioPci::read_bar(unsigned index) const {
    if (index >= bar_count)
        return {};
    auto offset = static_cast<uint8_t>(first_bar_offset + 4 * index);
    uint32_t low = m_function.read32(offset);
    if ((low & bar_is_port) != 0)
        return {};
    bool wide = (low & bar_type_mask) == bar_type_64;
    if (wide && index + 1 >= bar_count)
        return {};
    auto high_offset = static_cast<uint8_t>(offset + 4);
    uint32_t high = wide ? m_function.read32(high_offset) : 0;

    // The size: the bits of the address that cannot be set. Decoding is off meanwhile.
    m_function.write32(offset, UINT32_MAX);
    uint64_t mask = m_function.read32(offset) & ~uint64_t{bar_flags};
    m_function.write32(offset, low);
    if (wide) {
        m_function.write32(high_offset, UINT32_MAX);
        mask |= uint64_t{m_function.read32(high_offset)} << 32;
        m_function.write32(high_offset, high);
    } else {
        mask |= uint64_t{UINT32_MAX} << 32;
    }
    PhysicalAddress address = uint64_t{high} << 32 | (low & ~bar_flags);
    if (address == 0 || (mask & ~uint64_t{bar_flags}) == 0)
        return {}; // not there, or firmware gave it no address
    return {address, ~mask + 1};
}

base::Result<VirtioPci::Region> VirtioPci::map_region(unsigned bar, uint32_t offset_untrusted,
                                                      uint32_t length_untrusted) {
    Bar memory = read_bar(bar);
    if (length_untrusted == 0 || !base::range_fits(offset_untrusted, length_untrusted, memory.size))
        return base::fail(base::Error::Io);
    // The notification area may be large (a page a queue), nothing else is.
    constexpr uint32_t max_mapping = 1u << 20;
    uint32_t length = length_untrusted < max_mapping ? length_untrusted : max_mapping;
    auto* address = TRY(m_platform->map_mmio(memory.address + offset_untrusted, length));
    return Region{address, length};
}

void VirtioPci::read_virtio_capability(uint8_t offset) {
    auto field = [&](uint8_t at) { return static_cast<uint8_t>(offset + at); };
    Region* target = nullptr;
    switch (m_function.read8(field(cap_type))) {
    case CommonConfig:
        target = &m_common;
        break;
    case NotifyConfig:
        target = &m_notify;
        break;
    case IsrConfig:
        target = &m_status;
        break;
    case DeviceConfig:
        target = &m_config;
        break;
    default:
        return;
    }
    if (target->address != nullptr)
        return; // the first of a type is the preferred one
    auto region = map_region(m_function.read8(field(cap_bar)), m_function.read32(field(cap_offset)),
                             m_function.read32(field(cap_length)));
    if (!region)
        return; // perhaps one of the same type in another BAR will do
    *target = *region;
    if (target == &m_notify)
        m_notify_multiplier = m_function.read32(field(cap_notify_multiplier));
}

base::Result<> VirtioPci::read_capabilities() {
    if ((m_function.read16(pci_status_offset) & status_has_capabilities) == 0)
        return base::fail(base::Error::NotSupported);
    uint8_t offset = m_function.read8(capabilities_offset) & 0xfc;
    for (unsigned count = 0; offset >= 0x40 && count < max_capabilities; ++count) {
        uint8_t id = m_function.read8(offset);
        if (id == capability_vendor && offset <= 0x100 - 20) {
            read_virtio_capability(offset);
        } else if (id == capability_msix && offset <= 0x100 - 12 && m_message_table.address == nullptr) {
            uint32_t table = m_function.read32(static_cast<uint8_t>(offset + msix_table));
            if (auto region = map_region(table & msix_bar_mask, table & ~msix_bar_mask, EntrySize)) {
                m_message_table = *region;
                m_message_capability = offset;
            }
        }
        offset = m_function.read8(static_cast<uint8_t>(offset + 1)) & 0xfc;
    }
    if (m_common.length < CommonSize || m_notify.length < 2 || m_status.length < 1)
        return base::fail(base::Error::NotSupported);
    return {};
}

base::Result<> VirtioPci::open(Platform& platform, PciFunction function) {
    m_platform = &platform;
    m_function = function;
    if (function.read16(vendor_offset) != vendor)
        return base::fail(base::Error::NoSuchDevice);
    m_type = type_of(function.read16(device_offset), function.read16(subsystem_offset));
    if (m_type == VirtioDeviceType::None)
        return base::fail(base::Error::NoSuchDevice);

    uint16_t command = function.read16(command_offset);
    function.write16(command_offset, command & static_cast<uint16_t>(~(command_memory | command_bus_master)));
    if (auto found = read_capabilities(); !found) {
        function.write16(command_offset, command);
        base::Text<120> line;
        line.put("virtio-pci device 00:").hex(function.device(), 2).put(".").decimal(function.function());
        line.put(" has no usable virtio 1 interface: give QEMU disable-modern=off");
        platform.log(line.view());
        return found;
    }
    function.write16(command_offset, command | command_memory | command_bus_master | command_no_line_interrupt);
    return {};
}

uint8_t VirtioPci::status() {
    return arch::mmio_read8(m_common.address + Status);
}
void VirtioPci::set_status(uint8_t status) {
    arch::mmio_write8(m_common.address + Status, status);
}

uint64_t VirtioPci::offered_features() {
    arch::mmio_write32(m_common.address + DeviceFeatureSelect, 1);
    uint64_t features = uint64_t{arch::mmio_read32(m_common.address + DeviceFeature)} << 32;
    arch::mmio_write32(m_common.address + DeviceFeatureSelect, 0);
    return features | arch::mmio_read32(m_common.address + DeviceFeature);
}

void VirtioPci::accept_features(uint64_t features) {
    arch::mmio_write32(m_common.address + DriverFeatureSelect, 1);
    arch::mmio_write32(m_common.address + DriverFeature, static_cast<uint32_t>(features >> 32));
    arch::mmio_write32(m_common.address + DriverFeatureSelect, 0);
    arch::mmio_write32(m_common.address + DriverFeature, static_cast<uint32_t>(features));
}

uint16_t VirtioPci::max_queue_size(uint16_t queue) {
    arch::mmio_write16(m_common.address + QueueSelect, queue);
    return arch::mmio_read16(m_common.address + QueueSize);
}

void VirtioPci::write_address(size_t offset, PhysicalAddress address) const {
    arch::mmio_write32(m_common.address + offset, static_cast<uint32_t>(address));
    arch::mmio_write32(m_common.address + offset + 4, static_cast<uint32_t>(address >> 32));
}

base::Result<> VirtioPci::enable_queue(uint16_t queue, const VirtQueue& memory) {
    if (queue >= max_queues)
        return base::fail(base::Error::Invalid);
    auto* common = m_common.address;
    arch::mmio_write16(common + QueueSelect, queue);
    uint64_t notify_untrusted = uint64_t{arch::mmio_read16(common + QueueNotifyOffset)} * m_notify_multiplier;
    if (!base::range_fits(notify_untrusted, sizeof(uint16_t), m_notify.length))
        return base::fail(base::Error::Io);
    m_notify_address[queue] = m_notify.address + notify_untrusted;

    arch::mmio_write16(common + QueueSize, memory.size());
    write_address(QueueDescriptors, memory.descriptor_address());
    write_address(QueueDriver, memory.driver_address());
    write_address(QueueDevice, memory.device_address());
    if (m_messages) {
        arch::mmio_write16(common + QueueMessageVector, 0);
        if (arch::mmio_read16(common + QueueMessageVector) == no_vector)
            return base::fail(base::Error::Io); // the device has no vector to spare
    }
    arch::mmio_write16(common + QueueEnable, 1);
    return {};
}

void VirtioPci::notify(uint16_t queue) {
    if (queue < max_queues && m_notify_address[queue] != nullptr)
        arch::mmio_write16(m_notify_address[queue], queue);
}

base::Result<uint32_t> VirtioPci::read_config32(size_t offset) {
    if (!base::range_fits(offset, sizeof(uint32_t), m_config.length))
        return base::fail(base::Error::Io);
    return arch::mmio_read32(m_config.address + offset);
}

base::Result<> VirtioPci::connect_interrupt(InterruptHandler handler, void* context) {
    if (m_message_table.address == nullptr)
        return base::fail(base::Error::NotSupported);
    InterruptMessage message = TRY(m_platform->connect_message_interrupt(handler, context));
    auto control_offset = static_cast<uint8_t>(m_message_capability + msix_control);
    uint16_t control = m_function.read16(control_offset);
    m_function.write16(control_offset, control | msix_enable | msix_mask_all);
    auto* entry = m_message_table.address;
    arch::mmio_write32(entry + AddressLow, static_cast<uint32_t>(message.address));
    arch::mmio_write32(entry + AddressHigh, static_cast<uint32_t>(message.address >> 32));
    arch::mmio_write32(entry + Data, message.data);
    arch::mmio_write32(entry + VectorControl, 0);
    m_function.write16(control_offset, static_cast<uint16_t>((control | msix_enable) & ~msix_mask_all));
    arch::mmio_write16(m_common.address + MessageVector, 0);
    m_messages = true;
    return {};
}

bool VirtioPci::acknowledge_interrupt() {
    // A message says all by arriving; the status register is for line interrupts and clears itself on reading.
    return m_messages || (arch::mmio_read8(m_status.address) != 0);
}

} // namespace drivers
