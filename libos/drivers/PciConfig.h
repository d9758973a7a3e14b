#pragma once
// PciConfig: configuration space of bus 0 through the two ports of configuration mechanism 1 (PCI Local Bus 3.0,
// section 3.2.2.3.2). Start-up only: the port pair is one shared register, so calls must not be interleaved.

#include <cstdint>

namespace drivers {

/// One function of a device on bus 0.
class PciFunction {
public:
    constexpr PciFunction(uint8_t device, uint8_t function)
        : m_device(device)
        , m_function(function) {}

    uint8_t device() const { return m_device; }
    uint8_t function() const { return m_function; }

    uint8_t read8(uint8_t offset) const;
    uint16_t read16(uint8_t offset) const;
    uint32_t read32(uint8_t offset) const;
    void write16(uint8_t offset, uint16_t value) const;
    void write32(uint8_t offset, uint32_t value) const;

    bool is_present() const { return read16(0) != 0xffff; }

private:
    void select(uint8_t offset) const;

    uint8_t m_device;
    uint8_t m_function;
};

/// Whether the machine has the ports at all: q35 has, microvm has not.
bool has_pci_config_ports();

} // namespace drivers
