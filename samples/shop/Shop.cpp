// A shop: customers place orders at the front desk, workers take them from a queue and book them in an SQLite database.
//
//   shop [--config FILE] [--NAME VALUE ...]      shop --help

#include "samples/shop/Ledger.h"
#include "samples/shop/OrderQueue.h"
#include "samples/shop/Settings.h"

#include <pthread.h>
#include <uniscope/probe.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <thread>
#include <vector>

namespace shop {

namespace {

using std::chrono::steady_clock;

/// Counted by the workers, printed each second.
struct Statistics {
    std::atomic<int64_t> booked = 0;
    std::atomic<int64_t> booking_us = 0; ///< sum over all orders: from the queue to the end of the transaction
    std::atomic<int64_t> waiting_us = 0; ///< sum over all orders: in the queue
};

int64_t microseconds(steady_clock::duration duration) {
    return std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
}

void name_this_thread(const std::string& name) {
    pthread_setname_np(pthread_self(), name.c_str());
}

/// A worker's day: book orders until the queue is closed and empty.
void work(int number, OrderQueue& queue, Ledger& ledger, Statistics& statistics) {
    name_this_thread("worker-" + std::to_string(number));
    while (auto order = queue.take()) {
        auto taken = steady_clock::now();
        int64_t waited_us = microseconds(taken - order->received);
        UNISCOPE_PROBE(shop, order_taken, UNISCOPE_INT(order, order->id), UNISCOPE_INT(waited_us, waited_us));
        ledger.book(*order, number);
        int64_t booking_us = microseconds(steady_clock::now() - taken);
        UNISCOPE_PROBE(shop, order_booked, UNISCOPE_INT(order, order->id), UNISCOPE_INT(booking_us, booking_us),
                       UNISCOPE_LAZY(UNISCOPE_INT(cents, order->total_cents())),
                       UNISCOPE_LAZY(UNISCOPE_STRING(article, articles[order->article].name.data(), 16)));
        statistics.waiting_us += waited_us;
        statistics.booking_us += booking_us;
        ++statistics.booked;
    }
}

/// The front desk: puts the customers' orders into the queue until the shop closes.
void serve_customers(const Settings& settings, int64_t first_id, OrderQueue& queue) {
    name_this_thread("front-desk");
    auto opened = steady_clock::now();
    auto closing =
        settings.seconds > 0 ? opened + std::chrono::seconds(settings.seconds) : steady_clock::time_point::max();
    for (int64_t count = 0; settings.orders == 0 || count < settings.orders; ++count) {
        if (settings.rate > 0)
            std::this_thread::sleep_until(opened + count * std::chrono::nanoseconds(1'000'000'000 / settings.rate));
        if (steady_clock::now() >= closing)
            break;
        Order order = place_order(first_id + count);
        UNISCOPE_PROBE(shop, order_placed, UNISCOPE_INT(order, order.id), UNISCOPE_INT(quantity, order.quantity));
        queue.put(order);
    }
    queue.close();
}

/// Looks in the books and prints a line every `interval`, until the front desk closes.
void print_statistics(std::chrono::seconds interval, OrderQueue& queue, Ledger& ledger, const Statistics& statistics) {
    int64_t booked_before = 0, booking_before = 0, waiting_before = 0;
    auto opened = steady_clock::now();
    for (auto elapsed = interval; !queue.is_closed_by(opened + elapsed); elapsed += interval) {
        int64_t articles_sold = ledger.articles_sold();
        int64_t booked = statistics.booked, booking = statistics.booking_us, waiting = statistics.waiting_us;
        int64_t orders = booked - booked_before;
        int64_t divisor = std::max<int64_t>(orders, 1);
        std::printf(
            "%4lld s: %lld orders booked, waiting %lld us, booking %lld us, %zu in the queue, %lld articles sold\n",
            static_cast<long long>(elapsed.count()), static_cast<long long>(orders),
            static_cast<long long>((waiting - waiting_before) / divisor),
            static_cast<long long>((booking - booking_before) / divisor), queue.size(),
            static_cast<long long>(articles_sold));
        std::fflush(stdout);
        booked_before = booked;
        booking_before = booking;
        waiting_before = waiting;
    }
}

void print_totals(const Totals& totals) {
    std::printf("books: %lld orders, %lld articles, %lld.%02lld in all\n", static_cast<long long>(totals.orders),
                static_cast<long long>(totals.articles), static_cast<long long>(totals.cents / 100),
                static_cast<long long>(totals.cents % 100));
}

void run(const Settings& settings) {
    Ledger ledger(settings.database);
    OrderQueue queue(static_cast<size_t>(settings.queue));
    Statistics statistics;

    std::vector<std::jthread> workers;
    for (int number = 1; number <= settings.workers; ++number)
        workers.emplace_back(work, number, std::ref(queue), std::ref(ledger), std::ref(statistics));
    std::jthread front_desk(serve_customers, std::cref(settings), ledger.next_order_id(), std::ref(queue));
    std::printf("serving with %lld workers, books in %s\n", static_cast<long long>(settings.workers),
                settings.database.c_str());
    std::fflush(stdout);

    if (settings.statistics > 0)
        print_statistics(std::chrono::seconds(settings.statistics), queue, ledger, statistics);
    front_desk.join();
    workers.clear(); // waits for them
    print_totals(ledger.totals());
}

} // namespace

} // namespace shop

int main(int argc, char** argv) {
    if (argc == 2 && std::strcmp(argv[1], "--help") == 0) {
        std::fputs(shop::usage_text, stdout);
        return EXIT_SUCCESS;
    }
    try {
        shop::run(shop::read_settings(argc, argv));
        return EXIT_SUCCESS;
    } catch (const shop::SettingsError& error) {
        std::fprintf(stderr, "shop: %s\n%s", error.what(), shop::usage_text);
        return 2;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "shop: %s\n", error.what());
        return EXIT_FAILURE;
    }
}
