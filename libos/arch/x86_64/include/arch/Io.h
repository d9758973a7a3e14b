#pragma once
// Contract header, one per CPU architecture: access to device registers, by I/O port and by memory.
//
// Each call is exactly one access of the named width, never merged, split or reordered against other calls of this
// header by the compiler. The registers behind are mapped uncached, so the CPU keeps their order too; order against
// ordinary memory (a ring, a buffer) is the caller's business, by std::atomic_thread_fence.

#include <cstdint>

namespace arch {

inline uint8_t port_read8(uint16_t port) {
    uint8_t value;
    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

inline uint16_t port_read16(uint16_t port) {
    uint16_t value;
    asm volatile("inw %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

inline uint32_t port_read32(uint16_t port) {
    uint32_t value;
    asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

inline void port_write8(uint16_t port, uint8_t value) {
    asm volatile("outb %0, %1" ::"a"(value), "Nd"(port) : "memory");
}

inline void port_write16(uint16_t port, uint16_t value) {
    asm volatile("outw %0, %1" ::"a"(value), "Nd"(port) : "memory");
}

inline void port_write32(uint16_t port, uint32_t value) {
    asm volatile("outl %0, %1" ::"a"(value), "Nd"(port) : "memory");
}

// A plain mov each: hypervisors that decode instructions to emulate a device need not know more.

inline uint8_t mmio_read8(const volatile void* address) {
    uint8_t value;
    asm volatile("movb %1, %0" : "=q"(value) : "m"(*static_cast<const volatile uint8_t*>(address)) : "memory");
    return value;
}

inline uint16_t mmio_read16(const volatile void* address) {
    uint16_t value;
    asm volatile("movw %1, %0" : "=r"(value) : "m"(*static_cast<const volatile uint16_t*>(address)) : "memory");
    return value;
}

inline uint32_t mmio_read32(const volatile void* address) {
    uint32_t value;
    asm volatile("movl %1, %0" : "=r"(value) : "m"(*static_cast<const volatile uint32_t*>(address)) : "memory");
    return value;
}

inline void mmio_write8(volatile void* address, uint8_t value) {
    asm volatile("movb %1, %0" : "=m"(*static_cast<volatile uint8_t*>(address)) : "q"(value) : "memory");
}

inline void mmio_write16(volatile void* address, uint16_t value) {
    asm volatile("movw %1, %0" : "=m"(*static_cast<volatile uint16_t*>(address)) : "r"(value) : "memory");
}

inline void mmio_write32(volatile void* address, uint32_t value) {
    asm volatile("movl %1, %0" : "=m"(*static_cast<volatile uint32_t*>(address)) : "r"(value) : "memory");
}

/// Resets the machine the one way that needs no device: the CPU can deliver no exception and shuts down, which every
/// VMM takes as a reset (or, told so, as a power-off). The last resort of drivers::Power.
[[noreturn]] inline void force_machine_reset() {
    struct [[gnu::packed]] {
        uint16_t limit = 0;
        uint64_t base = 0;
    } no_vectors;
    for (;;)
        asm volatile("lidt %0; int3" ::"m"(no_vectors) : "memory");
}

} // namespace arch
