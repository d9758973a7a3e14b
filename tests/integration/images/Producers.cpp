// Threads that emit events as fast as they can, migrate between two CPUs, and count their events themselves. Waits for
// a line on standard input before it begins, and for another before it ends.
//
//   producers THREADS EVENTS

#include <sched.h>
#include <uniscope/probe.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

namespace {

struct Count {
    unsigned long events = 0;
    unsigned long migrations = 0;
};

void go_to_cpu(int cpu) {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(cpu, &cpus);
    sched_setaffinity(0, sizeof(cpus), &cpus);
    sched_yield();
}

void produce(unsigned thread, unsigned long wanted, Count& count) {
    int last_cpu = sched_getcpu();
    while (count.events < wanted) {
        UNISCOPE_PROBE(loss, produced, UNISCOPE_INT(thread, thread), UNISCOPE_INT(number, count.events));
        ++count.events;
        if (count.events % 512 == 0)
            go_to_cpu(static_cast<int>(count.events / 512 + thread) % 2);
        int cpu = sched_getcpu();
        count.migrations += cpu != last_cpu ? 1 : 0;
        last_cpu = cpu;
    }
}

bool wait_for_line() {
    char line[32];
    return std::fgets(line, sizeof(line), stdin) != nullptr;
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 3)
        return 2;
    unsigned thread_count = std::strtoul(argv[1], nullptr, 10);
    unsigned long wanted = std::strtoul(argv[2], nullptr, 10);
    std::puts("ready");
    std::fflush(stdout);
    if (!wait_for_line())
        return 1;

    std::vector<Count> counts(thread_count);
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < thread_count; ++i)
        threads.emplace_back(produce, i, wanted, std::ref(counts[i]));
    for (auto& thread : threads)
        thread.join();

    Count total;
    for (const auto& count : counts) {
        total.events += count.events;
        total.migrations += count.migrations;
    }
    std::printf("counted %lu events, %lu migrations\n", total.events, total.migrations);
    std::fflush(stdout);
    return wait_for_line() ? 0 : 1;
}
