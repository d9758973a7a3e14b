#include "arch/Entropy.h"
#include "arch/Processor.h"
#include "arch/Registers.h"

namespace arch {

uint64_t hardware_entropy() {
    uint64_t value = 0;
    if ((cpuid(1).ecx & (1u << 30)) != 0) {
        for (int i = 0; i < 10; ++i) {
            bool ok;
            asm volatile("rdrand %0" : "=r"(value), "=@ccc"(ok));
            if (ok)
                break;
        }
    }
    for (int i = 0; i < 16; ++i)
        value = (value << 5 | value >> 59) ^ timestamp();
    return value;
}

} // namespace arch
