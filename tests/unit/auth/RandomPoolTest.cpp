#include "libos/auth/RandomPool.h"
#include "libos/auth/Backoff.h"

#include <gtest/gtest.h>

#include <array>
#include <set>

namespace auth {
namespace {

std::optional<uint64_t> none() {
    return std::nullopt;
}
std::optional<uint64_t> stuck() {
    return ~uint64_t{0};
}
uint64_t g_drawn = 0;
std::optional<uint64_t> counting() {
    return ++g_drawn;
}
uint64_t stopped_clock() {
    return 42;
}

using Sample = std::array<std::byte, 48>;

TEST(RandomPool, GivesNothingBeforeItHasEnough) {
    RandomPool pool({none, stopped_clock});
    Sample sample;
    pool.seed_from_cpu();
    EXPECT_EQ(pool.fill(sample), base::fail(base::Error::NoData));
    std::byte some[16] = {};
    pool.seed(some);
    EXPECT_EQ(pool.fill(sample), base::fail(base::Error::NoData));
    pool.seed(some);
    EXPECT_TRUE(pool.fill(sample));
}

TEST(RandomPool, DoesNotTakeACpuThatAlwaysSaysTheSameForRandom) {
    RandomPool pool({stuck, stopped_clock});
    pool.seed_from_cpu();
    Sample sample;
    EXPECT_FALSE(pool.fill(sample));
}

TEST(RandomPool, TakesACpuThatWorks) {
    RandomPool pool({counting, stopped_clock});
    pool.seed_from_cpu();
    Sample sample;
    EXPECT_TRUE(pool.fill(sample));
}

TEST(RandomPool, NeverGivesTheSameTwiceEvenIfNothingChanges) {
    RandomPool pool({none, stopped_clock});
    pool.seed(std::array<std::byte, RandomPool::seed_size>{});
    std::set<Sample> seen;
    for (int i = 0; i < 1000; ++i) {
        Sample sample;
        ASSERT_TRUE(pool.fill(sample));
        EXPECT_TRUE(seen.insert(sample).second);
    }
}

TEST(RandomPool, TwinsWithAnotherSeedDiffer) {
    RandomPool one({none, stopped_clock});
    RandomPool other({none, stopped_clock});
    std::array<std::byte, RandomPool::seed_size> seed{};
    one.seed(seed);
    seed[7] = std::byte{1};
    other.seed(seed);
    Sample a, b;
    ASSERT_TRUE(one.fill(a) && other.fill(b));
    EXPECT_NE(a, b);
}

TEST(RandomPool, TwinsOfOneSnapshotDifferByTheCpu) {
    g_drawn = 0;
    RandomPool one({counting, stopped_clock});
    RandomPool other({counting, stopped_clock});
    one.seed(std::array<std::byte, RandomPool::seed_size>{});
    other.seed(std::array<std::byte, RandomPool::seed_size>{});
    Sample a, b;
    ASSERT_TRUE(one.fill(a) && other.fill(b));
    EXPECT_NE(a, b);
}

TEST(Backoff, DoublesIsBoundedAndForgets) {
    constexpr uint64_t ms = 1'000'000;
    Backoff backoff;
    uint64_t now = 5;
    EXPECT_EQ(backoff.wait_ns(now), 0U);
    for (uint64_t wait : {250, 500, 1000, 2000, 4000, 8000, 16000, 32000, 32000, 32000}) {
        backoff.note_failure(now);
        EXPECT_EQ(backoff.wait_ns(now), wait * ms);
        EXPECT_EQ(backoff.wait_ns(now + wait * ms - 1), 1U);
        now += wait * ms;
        EXPECT_EQ(backoff.wait_ns(now), 0U);
    }
    now += Backoff::forget_after_ns + 1;
    backoff.note_failure(now);
    EXPECT_EQ(backoff.wait_ns(now), 250 * ms);
    backoff.note_success();
    EXPECT_EQ(backoff.wait_ns(now), 0U);
}

} // namespace
} // namespace auth
