#pragma once
// Contract header for hosted unit tests: every access goes to the bus that the test has put in place.

#include <cstdint>
#include <cstdlib>

namespace arch {

/// What a test implements to play the machine's devices. `width` is 1, 2 or 4 bytes.
class IoBus {
public:
    virtual uint32_t port_read(uint16_t port, unsigned width) = 0;
    virtual void port_write(uint16_t port, uint32_t value, unsigned width) = 0;
    virtual uint32_t mmio_read(const volatile void* address, unsigned width) = 0;
    virtual void mmio_write(volatile void* address, uint32_t value, unsigned width) = 0;

protected:
    ~IoBus() = default;
};

/// Set by the test before it calls a driver; one test at a time.
inline constinit IoBus* g_io_bus = nullptr;

inline uint8_t port_read8(uint16_t port) {
    return static_cast<uint8_t>(g_io_bus->port_read(port, 1));
}
inline uint16_t port_read16(uint16_t port) {
    return static_cast<uint16_t>(g_io_bus->port_read(port, 2));
}
inline uint32_t port_read32(uint16_t port) {
    return g_io_bus->port_read(port, 4);
}
inline void port_write8(uint16_t port, uint8_t value) {
    g_io_bus->port_write(port, value, 1);
}
inline void port_write16(uint16_t port, uint16_t value) {
    g_io_bus->port_write(port, value, 2);
}
inline void port_write32(uint16_t port, uint32_t value) {
    g_io_bus->port_write(port, value, 4);
}

inline uint8_t mmio_read8(const volatile void* address) {
    return static_cast<uint8_t>(g_io_bus->mmio_read(address, 1));
}
inline uint16_t mmio_read16(const volatile void* address) {
    return static_cast<uint16_t>(g_io_bus->mmio_read(address, 2));
}
inline uint32_t mmio_read32(const volatile void* address) {
    return g_io_bus->mmio_read(address, 4);
}
inline void mmio_write8(volatile void* address, uint8_t value) {
    g_io_bus->mmio_write(address, value, 1);
}
inline void mmio_write16(volatile void* address, uint16_t value) {
    g_io_bus->mmio_write(address, value, 2);
}
inline void mmio_write32(volatile void* address, uint32_t value) {
    g_io_bus->mmio_write(address, value, 4);
}

[[noreturn]] inline void force_machine_reset() {
    std::abort();
}

} // namespace arch
