#pragma once
// VirtioMmio: a virtio device behind memory-mapped registers (Virtual I/O Device 1.2, section 4.2), version 2.
// Version 1, "legacy", is refused: QEMU needs `-global virtio-mmio.force-legacy=false` to offer version 2.

#include "libos/drivers/VirtioTransport.h"

namespace drivers {

class VirtioMmio final : public VirtioTransport {
public:
    /// Where firmware or command line say that a device is, or where one may be.
    struct Location {
        PhysicalAddress address;
        size_t size;
        unsigned line; ///< input of the I/O APIC
    };

    constexpr VirtioMmio() = default;

    /// Error::NoSuchDevice when nothing is there, Error::NotSupported for a legacy device, which is logged.
    base::Result<> open(Platform& platform, const Location& location);

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

private:
    uint32_t read(size_t offset) const;
    void write(size_t offset, uint32_t value) const;
    void write_address(size_t offset, PhysicalAddress address) const;

    Platform* m_platform = nullptr;
    volatile std::byte* m_registers = nullptr;
    size_t m_size = 0;
    unsigned m_line = 0;
    VirtioDeviceType m_type = VirtioDeviceType::None;
};

} // namespace drivers
