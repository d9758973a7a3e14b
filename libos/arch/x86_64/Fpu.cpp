#include "arch/Fpu.h"
#include "arch/Registers.h"

#include <cstdint>
#include <cstring>

namespace arch {

namespace {
constinit bool g_has_xsave = false;
constinit size_t g_state_size = 512;
constinit uint32_t g_components = 3;
// x87, SSE, AVX, AVX-512 (three parts).
constexpr uint32_t wanted_components = 0xe7;
} // namespace

void initialize_fpu() {
    g_has_xsave = (cpuid(1).ecx & (1u << 26)) != 0;
    if (!g_has_xsave)
        return;
    write_cr4(read_cr4() | (1u << 18)); // OSXSAVE
    g_components = cpuid(0xd).eax & wanted_components;
    if ((g_components & 0xe0) != 0xe0)
        g_components &= 7;
    asm volatile("xsetbv" ::"c"(0), "a"(g_components), "d"(0));
    g_state_size = cpuid(0xd).ebx;
}

size_t fpu_state_size() {
    return g_state_size;
}
unsigned fpu_components() {
    return g_components;
}

void initialize_fpu_state(void* area) {
    std::memset(area, 0, g_state_size);
    auto* words = static_cast<uint16_t*>(area);
    words[0] = 0x37f;                                   // FCW
    reinterpret_cast<uint32_t*>(area)[24 / 4] = 0x1f80; // MXCSR
}

void save_fpu(void* area) {
    if (g_has_xsave)
        asm volatile("xsave64 (%0)" ::"r"(area), "a"(0xffffffff), "d"(0xffffffff) : "memory");
    else
        asm volatile("fxsave64 (%0)" ::"r"(area) : "memory");
}

void restore_fpu(const void* area) {
    if (g_has_xsave)
        asm volatile("xrstor64 (%0)" ::"r"(area), "a"(0xffffffff), "d"(0xffffffff) : "memory");
    else
        asm volatile("fxrstor64 (%0)" ::"r"(area) : "memory");
}

} // namespace arch
