#pragma once
// Contract header, one per CPU architecture: small facts and instructions of the processor.

#include <cstdint>

namespace arch {

/// Does what other CPUs asked this one to do, if they did (TLB flushes, instruction synchronisation).
void serve_cpu_requests();

/// One turn of a loop that waits for another CPU. Serves that CPU's requests too, since it may itself wait for an
/// answer of this one, whose interrupts are off.
inline void relax() {
    asm volatile("pause" ::: "memory");
    serve_cpu_requests();
}

/// The trace clock: a counter that never goes back, the same on every CPU (TSC on x86-64).
inline uint64_t timestamp() {
    uint32_t low, high;
    asm volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t{high} << 32) | low;
}

inline constexpr uint64_t page_size = 4096;

} // namespace arch
