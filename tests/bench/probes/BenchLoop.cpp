// Compiled with the guest's flags: the object code of an event as an image has it.
#include "tests/bench/probes/BenchLoop.h"

#include "probes/Probe.h"

void bench_event(int32_t number, uint64_t value) {
    UNISCOPE_PROBE(bench, event, UNISCOPE_INT(number, number), UNISCOPE_INT(value, value));
}

void bench_probe_loop(uint64_t rounds) {
    for (uint64_t i = 0; i < rounds; ++i)
        UNISCOPE_PROBE(bench, looped, UNISCOPE_INT(number, static_cast<int32_t>(i)), UNISCOPE_INT(value, i));
}

void bench_clock_loop(uint64_t rounds) {
    for (uint64_t i = 0; i < rounds; ++i)
        asm volatile("rdtsc" ::: "rax", "rdx");
}

void bench_empty_loop(uint64_t rounds) {
    for (uint64_t i = 0; i < rounds; ++i)
        asm volatile("" ::: "memory");
}
