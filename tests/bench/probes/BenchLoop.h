#pragma once
// What `./dev bench probes` measures.

#include <cstdint>

/// One event {int32, uint64}: the code that the bars on instructions are about.
void bench_event(int32_t number, uint64_t value);
/// As many of them in a loop.
void bench_probe_loop(uint64_t rounds);
/// The peer: as many readings of the clock and nothing else.
void bench_clock_loop(uint64_t rounds);
/// The loop itself.
void bench_empty_loop(uint64_t rounds);
