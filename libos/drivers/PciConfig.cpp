#include "libos/drivers/PciConfig.h"

#include <arch/Io.h>

namespace drivers {

namespace {

constexpr uint16_t address_port = 0xcf8;
constexpr uint16_t data_port = 0xcfc;
constexpr uint32_t enable = 1u << 31;

uint16_t data_port_for(uint8_t offset, uint8_t mask) {
    return static_cast<uint16_t>(data_port + (offset & mask));
}

} // namespace

void PciFunction::select(uint8_t offset) const {
    arch::port_write32(address_port, enable | uint32_t{m_device} << 11 | uint32_t{m_function} << 8 | (offset & 0xfcu));
}

uint8_t PciFunction::read8(uint8_t offset) const {
    select(offset);
    return arch::port_read8(data_port_for(offset, 3));
}

uint16_t PciFunction::read16(uint8_t offset) const {
    select(offset);
    return arch::port_read16(data_port_for(offset, 2));
}

uint32_t PciFunction::read32(uint8_t offset) const {
    select(offset);
    return arch::port_read32(data_port);
}

void PciFunction::write16(uint8_t offset, uint16_t value) const {
    select(offset);
    arch::port_write16(data_port_for(offset, 2), value);
}

void PciFunction::write32(uint8_t offset, uint32_t value) const {
    select(offset);
    arch::port_write32(data_port, value);
}

bool has_pci_config_ports() {
    // Only a host bridge keeps what is written there; and then there is a device 0, the bridge itself.
    arch::port_write32(address_port, enable);
    return arch::port_read32(address_port) == enable && PciFunction(0, 0).is_present();
}

} // namespace drivers
