#include "arch/Entropy.h"
#include "arch/Processor.h"
#include "arch/Registers.h"

namespace arch {

std::optional<uint64_t> hardware_random() {
    if ((cpuid(1).ecx & (1u << 30)) == 0)
        return std::nullopt;
    // Intel SDM vol. 1, 7.3.17.1: ten times without success mean that it is broken.
    for (int i = 0; i < 10; ++i) {
        uint64_t value;
        bool ok;
        asm volatile("rdrand %0" : "=r"(value), "=@ccc"(ok));
        if (ok)
            return value;
    }
    return std::nullopt;
}

uint64_t hardware_entropy() {
    uint64_t value = hardware_random().value_or(0);
    for (int i = 0; i < 16; ++i)
        value = (value << 5 | value >> 59) ^ timestamp();
    return value;
}

} // namespace arch
