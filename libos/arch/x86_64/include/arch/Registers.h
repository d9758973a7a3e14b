#pragma once
// Access to control and model-specific registers. Only arch code and the debugger's register file use it.

#include <cstdint>

namespace arch {

namespace msr {
inline constexpr uint32_t apic_base = 0x1b;
inline constexpr uint32_t efer = 0xc0000080;
inline constexpr uint32_t star = 0xc0000081;
inline constexpr uint32_t lstar = 0xc0000082;
inline constexpr uint32_t sfmask = 0xc0000084;
inline constexpr uint32_t fs_base = 0xc0000100;
inline constexpr uint32_t gs_base = 0xc0000101;
} // namespace msr

inline uint64_t read_msr(uint32_t number) {
    uint32_t low, high;
    asm volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(number));
    return (uint64_t{high} << 32) | low;
}
inline void write_msr(uint32_t number, uint64_t value) {
    asm volatile("wrmsr" ::"c"(number), "a"(static_cast<uint32_t>(value)), "d"(static_cast<uint32_t>(value >> 32))
                 : "memory");
}
inline uint64_t read_cr2() {
    uint64_t value;
    asm volatile("movq %%cr2, %0" : "=r"(value));
    return value;
}
inline uint64_t read_cr3() {
    uint64_t value;
    asm volatile("movq %%cr3, %0" : "=r"(value));
    return value;
}
inline void write_cr3(uint64_t value) {
    asm volatile("movq %0, %%cr3" ::"r"(value) : "memory");
}
inline uint64_t read_cr4() {
    uint64_t value;
    asm volatile("movq %%cr4, %0" : "=r"(value));
    return value;
}
inline void write_cr4(uint64_t value) {
    asm volatile("movq %0, %%cr4" ::"r"(value) : "memory");
}

struct CpuidResult {
    uint32_t eax, ebx, ecx, edx;
};
inline CpuidResult cpuid(uint32_t leaf, uint32_t subleaf = 0) {
    CpuidResult r;
    asm volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(subleaf));
    return r;
}

inline uint64_t read_dr(unsigned number) {
    uint64_t value = 0;
    switch (number) {
    case 0:
        asm volatile("movq %%dr0, %0" : "=r"(value));
        break;
    case 1:
        asm volatile("movq %%dr1, %0" : "=r"(value));
        break;
    case 2:
        asm volatile("movq %%dr2, %0" : "=r"(value));
        break;
    case 3:
        asm volatile("movq %%dr3, %0" : "=r"(value));
        break;
    case 6:
        asm volatile("movq %%dr6, %0" : "=r"(value));
        break;
    case 7:
        asm volatile("movq %%dr7, %0" : "=r"(value));
        break;
    default:
        break;
    }
    return value;
}
inline void write_dr(unsigned number, uint64_t value) {
    switch (number) {
    case 0:
        asm volatile("movq %0, %%dr0" ::"r"(value));
        break;
    case 1:
        asm volatile("movq %0, %%dr1" ::"r"(value));
        break;
    case 2:
        asm volatile("movq %0, %%dr2" ::"r"(value));
        break;
    case 3:
        asm volatile("movq %0, %%dr3" ::"r"(value));
        break;
    case 6:
        asm volatile("movq %0, %%dr6" ::"r"(value));
        break;
    case 7:
        asm volatile("movq %0, %%dr7" ::"r"(value));
        break;
    default:
        break;
    }
}

} // namespace arch
