// The measuring half of `./dev bench probes` (tests/bench/probes.py is the other): times the guest's own object code in
// this process, whose threads play CPUs, and prints nanoseconds of CPU time for each round, one line a repetition:
//
//     THREADS THREAD enabled E clock C disabled D empty N
//
// usage: probes_bench [ROUNDS [REPETITIONS]]
#include "tests/bench/probes/BenchLoop.h"
#include "tests/unit/probes/HostedCpu.h"

#include <barrier>
#include <cstdio>
#include <ctime>
#include <mutex>
#include <thread>

namespace {

double cpu_seconds() {
    timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

double nanoseconds_per_round(void (*loop)(uint64_t), uint64_t rounds) {
    double begin = cpu_seconds();
    loop(rounds);
    return (cpu_seconds() - begin) * 1e9 / static_cast<double>(rounds);
}

struct Sample {
    double enabled, clock, disabled, empty;
};

std::vector<Sample> measure(unsigned threads, uint64_t rounds, unsigned repetitions, probes::Registry& registry) {
    probes_test::HostedPatcher patcher;
    std::vector<Sample> samples(size_t{threads} * repetitions);
    std::barrier step(static_cast<ptrdiff_t>(threads));
    auto run = [&](unsigned thread) {
        probes_test::HostedCpu cpu;
        probes_test::HostedRing ring(cpu.block(), 16, 65536, probes::Mode::Overwrite, probes_test::read_tsc, thread);
        cpu.enter();
        auto set_enabled = [&](bool enabled) {
            step.arrive_and_wait();
            if (thread == 0 && !registry.set_enabled("bench:*", enabled, patcher))
                std::abort();
            step.arrive_and_wait();
        };
        for (unsigned repetition = 0; repetition < repetitions; ++repetition) {
            auto& sample = samples[size_t{repetition} * threads + thread];
            sample.empty = nanoseconds_per_round(bench_empty_loop, rounds);
            sample.disabled = nanoseconds_per_round(bench_probe_loop, rounds);
            // Interleaved, in slices: whatever else the machine does hits both alike.
            set_enabled(true);
            constexpr unsigned slices = 10;
            for (unsigned slice = 0; slice < slices; ++slice) {
                sample.clock += nanoseconds_per_round(bench_clock_loop, rounds / slices) / slices;
                sample.enabled += nanoseconds_per_round(bench_probe_loop, rounds / slices) / slices;
            }
            set_enabled(false);
        }
        if (ring->totals().produced() == 0)
            std::abort();
    };
    std::vector<std::thread> running;
    running.reserve(threads);
    for (unsigned thread = 0; thread < threads; ++thread)
        running.emplace_back(run, thread);
    for (auto& thread : running)
        thread.join();
    return samples;
}

} // namespace

int main(int argc, char** argv) {
    uint64_t rounds = argc > 1 ? strtoull(argv[1], nullptr, 10) : 1'000'000;
    unsigned repetitions = argc > 2 ? static_cast<unsigned>(strtoul(argv[2], nullptr, 10)) : 11;
    auto registry = probes::Registry::of_image();
    if (rounds < 10 || !registry.assign_ids())
        return 1;
    for (unsigned threads : {1u, 2u}) {
        auto samples = measure(threads, rounds, repetitions, registry);
        for (size_t i = 0; i < samples.size(); ++i)
            std::printf("%u %zu enabled %.4f clock %.4f disabled %.4f empty %.4f\n", threads, i % threads,
                        samples[i].enabled, samples[i].clock, samples[i].disabled, samples[i].empty);
    }
    return 0;
}
