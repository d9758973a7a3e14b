// Everything at once on real threads: two writers and a reader a channel, the interrupt, the serving thread, the host.
#include "tests/unit/links/MuxBench.h"

#include <gtest/gtest.h>

#include <array>

namespace links::test {
namespace {

void pause() {
    std::this_thread::sleep_for(std::chrono::microseconds(50));
}

char byte_at(size_t channel, size_t place) {
    return static_cast<char>(place * 13 + channel * 101 + place / 256);
}

/// `total` bytes a channel and direction.
void expect_all_to_work(bool slow, size_t total) {
    MuxBench bench;
    bench.device.slow = slow;
    std::atomic<bool> ended = false, woken = false;
    ASSERT_TRUE(bench.mux->start(
        bench.machine, [](void* flag) { static_cast<std::atomic<bool>*>(flag)->store(true); }, &woken));
    std::atomic<unsigned> events = 0;
    for (size_t i = 0; i < channel_count; ++i)
        bench.mux->channel(static_cast<Channel>(i))
            .set_event_handler([](void* count) { ++*static_cast<std::atomic<unsigned>*>(count); }, &events);
    bench.start_host();

    std::thread interrupt([&] {
        while (!ended) {
            if (bench.device.take_edge())
                bench.machine.raise(4);
            else
                pause();
        }
    });
    std::thread server([&] {
        while (!ended) {
            woken = false;
            uint64_t wait = bench.mux->service();
            auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(std::min<uint64_t>(wait, 1000));
            while (!woken && !ended && std::chrono::steady_clock::now() < end)
                pause();
        }
    });
    std::vector<std::thread> users;
    std::atomic<unsigned> finished = 0;
    for (size_t i = 0; i < channel_count; ++i) {
        auto& channel = bench.mux->channel(static_cast<Channel>(i));
        users.emplace_back([&, i] {
            for (size_t at = 0; at < total && !ended;) {
                std::byte piece[300];
                size_t size = std::min(sizeof(piece), total - at);
                for (size_t k = 0; k < size; ++k)
                    piece[k] = static_cast<std::byte>(byte_at(i, at + k));
                auto written = channel.connection() == 1 ? channel.write_some(std::span(piece).first(size))
                                                         : base::Result<size_t>(base::fail(base::Error::Again));
                at += written.value_or(0);
                if (!written)
                    pause();
            }
            ++finished;
        });
        users.emplace_back([&, i] {
            for (size_t at = 0; at < total && !ended;) {
                std::byte piece[100];
                size_t count = channel.read(piece);
                for (size_t k = 0; k < count; ++k)
                    ASSERT_EQ(static_cast<char>(piece[k]), byte_at(i, at + k));
                at += count;
                if (count == 0)
                    pause();
            }
            ++finished;
        });
    }

    // The host, on this thread.
    constexpr SerialChannel ids[] = {SerialChannel::Console, SerialChannel::Control, SerialChannel::Gdb,
                                     SerialChannel::Trace, SerialChannel::Crash};
    std::array<size_t, channel_count> got{}, put{};
    auto all = [&](const auto& counts) {
        return std::all_of(counts.begin(), counts.end(), [&](size_t count) { return count == total; });
    };
    auto end = std::chrono::steady_clock::now() + std::chrono::seconds(100);
    while ((!all(got) || finished != 2 * channel_count) && std::chrono::steady_clock::now() < end) {
        pause();
        bench.move_line();
        for (size_t i = 0; i < channel_count && bench.host->link.is_up(); ++i) {
            for (char byte : bench.host->read(ids[i]))
                ASSERT_EQ(byte, byte_at(i, got[i]++));
            std::string bytes;
            for (size_t k = put[i]; k < std::min(total, put[i] + 200); ++k)
                bytes += byte_at(i, k);
            put[i] += bench.host->write(ids[i], bytes);
        }
    }
    EXPECT_TRUE(all(got)) << testing::PrintToString(got) << testing::PrintToString(put);
    EXPECT_EQ(finished, 2 * channel_count);
    ended = true;
    for (auto& user : users)
        user.join();
    interrupt.join();
    server.join();
    EXPECT_GT(events, channel_count);
    EXPECT_EQ(bench.host->link.connection(), 1u);
}

TEST(SerialMuxStress, OverAFastUart) {
    expect_all_to_work(false, 8'000);
}
TEST(SerialMuxStress, OverASlowUart) {
    expect_all_to_work(true, 1'000);
}

} // namespace
} // namespace links::test
