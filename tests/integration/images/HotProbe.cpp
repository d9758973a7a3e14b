// For a machine with two CPUs: a thread runs a probe in a hot loop, mostly on the CPU that patches nothing, and counts
// how often it came by and how often it found the probe on. Every line on standard input is answered, after it has gone
// round some more, with the counts of that time: "ROUNDS HITS". The line "end" ends it.

#include <pthread.h>
#include <sched.h>
#include <uniscope/probe.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <thread>

namespace {

std::atomic<bool> g_end{false};

struct Loop {
    // Only the loop's thread writes them, without a lock prefix; a hit is counted before the round that it belongs to.
    std::atomic<unsigned long> rounds{0};
    std::atomic<unsigned long> hits{0};

    unsigned long count_hit() {
        unsigned long count = hits.load(std::memory_order_relaxed) + 1;
        hits.store(count, std::memory_order_release);
        return count;
    }

    [[gnu::noinline]] void spin() {
        while (!g_end.load(std::memory_order_relaxed)) {
            // A lazy field's value is computed only while the probe is on.
            UNISCOPE_PROBE(hot, spot, UNISCOPE_LAZY(UNISCOPE_INT(hit, count_hit())));
            rounds.store(rounds.load(std::memory_order_relaxed) + 1, std::memory_order_release);
        }
    }

    unsigned long wait_for_rounds(unsigned long wanted) const {
        unsigned long seen;
        while ((seen = rounds.load(std::memory_order_acquire)) < wanted) {
        }
        return seen;
    }

    /// Rounds of which all, and hits of which at least those in these rounds and none before the call, were counted.
    void watch() const {
        // The round that is under way may have met the probe as it was before.
        wait_for_rounds(rounds.load(std::memory_order_acquire) + 2);
        unsigned long first_hits = hits.load(std::memory_order_acquire);
        unsigned long first = rounds.load(std::memory_order_acquire);
        unsigned long last = wait_for_rounds(first + 100);
        std::printf("%lu %lu\n", last - first, hits.load(std::memory_order_acquire) - first_hits);
    }
};

Loop g_loop;

bool stay_on_cpu(pthread_t thread, int cpu) {
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    CPU_SET(cpu, &cpus);
    return pthread_setaffinity_np(thread, sizeof(cpus), &cpus) == 0;
}

} // namespace

int main() {
    std::thread thread(&Loop::spin, &g_loop);
    bool apart = stay_on_cpu(pthread_self(), 0) && stay_on_cpu(thread.native_handle(), 1);
    std::puts(apart ? "ready" : "both on one CPU");
    std::fflush(stdout);
    char line[32];
    while (std::fgets(line, sizeof(line), stdin) != nullptr && std::strncmp(line, "end", 3) != 0) {
        g_loop.watch();
        std::fflush(stdout);
    }
    g_end = true;
    thread.join();
    std::printf("end after %lu rounds\n", g_loop.rounds.load());
}
