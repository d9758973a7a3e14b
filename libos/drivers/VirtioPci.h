#pragma once
// VirtioPci: a virtio device as a PCI function (Virtual I/O Device 1.2, section 4.1), by its modern interface, which
// transitional devices have too. Interrupts by MSI-X, one message for everything; without it the driver polls.
//
// Capabilities say where in which BAR the registers are: offsets and lengths are the device's word and are checked
// against the BAR's size before anything is mapped.

#include "libos/drivers/PciConfig.h"
#include "libos/drivers/VirtioTransport.h"

namespace drivers {

class VirtioPci final : public VirtioTransport {
public:
    static constexpr uint16_t vendor = 0x1af4;

    constexpr VirtioPci() = default;

    /// Error::NoSuchDevice: not a virtio function. Error::NotSupported: legacy only, or without usable registers;
    /// that is logged.
    base::Result<> open(Platform& platform, PciFunction function);

    VirtioDeviceType device_type() const override { return m_type; }
    uint8_t status() override;
    void set_status(uint8_t status) override;
    uint64_t offered_features() override;
    void accept_features(uint64_t features) override;
    uint16_t max_queue_size(uint16_t queue) override;
    base::Result<> enable_queue(uint16_t queue, const VirtQueue& memory) override;
    void notify(uint16_t queue) override;
    base::Result<uint32_t> read_config32(size_t offset) override;
    base::Result<> connect_interrupt(InterruptHandler handler, void* context) override;
    bool acknowledge_interrupt() override;

    /// More queues than any device here has; each has its own notification address.
    static constexpr uint16_t max_queues = 64;

private:
    struct Region {
        volatile std::byte* address = nullptr;
        uint32_t length = 0;
    };
    struct Bar {
        PhysicalAddress address = 0;
        uint64_t size = 0;
    };
    Bar read_bar(unsigned index) const;
    base::Result<Region> map_region(unsigned bar, uint32_t offset_untrusted, uint32_t length_untrusted);
    base::Result<> read_capabilities();
    void read_virtio_capability(uint8_t offset);
    void write_address(size_t offset, PhysicalAddress address) const;

    Platform* m_platform = nullptr;
    PciFunction m_function{0, 0};
    VirtioDeviceType m_type = VirtioDeviceType::None;
    Region m_common;
    Region m_notify;
    Region m_status; // "ISR"
    Region m_config;
    Region m_message_table;
    uint8_t m_message_capability = 0;
    uint32_t m_notify_multiplier = 0;
    bool m_messages = false;
    volatile std::byte* m_notify_address[max_queues] = {};
};

} // namespace drivers
