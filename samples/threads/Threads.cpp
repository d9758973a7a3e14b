// Named threads that contend for one lock.
//
//   threads [--threads N] [--rounds N] [--linger SECONDS]
//
// Every round a thread works for itself, takes the lock, and adds what it found to a sum. Whatever the order, the sum
// at the end is the same; what differs, and what a trace shows, is who waited for whom. --linger keeps the threads
// going round after round for that long before the counted ones, for a debugger or a recording to be attached.

#include <pthread.h>

#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Settings {
    unsigned threads = 4;
    unsigned rounds = 2000;
    unsigned linger_seconds = 0;
};

/// What the threads contend for.
struct Account {
    std::mutex lock;
    uint64_t sum = 0;
    uint64_t visits = 0;
};

std::atomic<bool> g_lingering{false};

/// Steps of the Collatz sequence from `start` to 1: work whose result is known and that no compiler leaves out.
uint64_t collatz_steps(uint64_t start) {
    uint64_t steps = 0;
    for (uint64_t n = start; n != 1; ++steps)
        n = n % 2 == 0 ? n / 2 : 3 * n + 1;
    return steps;
}

void contend(Account& account, unsigned thread, unsigned rounds) {
    for (unsigned round = 0; round < rounds; ++round) {
        uint64_t found = collatz_steps(uint64_t{thread + 1} * 10'000 + round);
        std::lock_guard guard(account.lock);
        account.sum += found;
        // Some work with the lock held, so that the others meet it.
        account.visits += collatz_steps(account.sum % 1000 + 1) < 1000 ? 1 : 0;
    }
}

void run_thread(Account& account, unsigned thread, unsigned rounds) {
    std::string name = "contender-" + std::to_string(thread + 1);
    pthread_setname_np(pthread_self(), name.c_str());
    Account practice;
    while (g_lingering.load(std::memory_order_relaxed))
        contend(practice, thread, 100);
    contend(account, thread, rounds);
}

std::optional<unsigned> parse_number(const char* text) {
    unsigned value = 0;
    const char* end = text + std::strlen(text);
    auto [parsed, error] = std::from_chars(text, end, value);
    if (error != std::errc() || parsed != end)
        return std::nullopt;
    return value;
}

std::optional<Settings> parse_arguments(int argc, char** argv) {
    Settings settings;
    for (int i = 1; i < argc; i += 2) {
        auto value = i + 1 < argc ? parse_number(argv[i + 1]) : std::nullopt;
        if (!value)
            return std::nullopt;
        if (std::strcmp(argv[i], "--threads") == 0)
            settings.threads = *value;
        else if (std::strcmp(argv[i], "--rounds") == 0)
            settings.rounds = *value;
        else if (std::strcmp(argv[i], "--linger") == 0)
            settings.linger_seconds = *value;
        else
            return std::nullopt;
    }
    return settings;
}

} // namespace

int main(int argc, char** argv) {
    auto settings = parse_arguments(argc, argv);
    if (!settings) {
        std::fputs("usage: threads [--threads N] [--rounds N] [--linger SECONDS]\n", stderr);
        return 2;
    }

    Account account;
    g_lingering = settings->linger_seconds > 0;
    std::vector<std::thread> threads;
    threads.reserve(settings->threads);
    for (unsigned thread = 0; thread < settings->threads; ++thread)
        threads.emplace_back(run_thread, std::ref(account), thread, settings->rounds);
    std::printf("%u threads contend for one lock\n", settings->threads);
    if (settings->linger_seconds > 0) {
        std::fflush(stdout);
        std::this_thread::sleep_for(std::chrono::seconds(settings->linger_seconds));
        g_lingering = false;
    }
    for (auto& thread : threads)
        thread.join();
    std::printf("%u rounds each: lock taken %lu times, sum %lu\n", settings->rounds,
                static_cast<unsigned long>(account.visits), static_cast<unsigned long>(account.sum));
    return account.visits == uint64_t{settings->threads} * settings->rounds ? 0 : 1;
}
