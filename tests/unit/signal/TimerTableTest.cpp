#include "tests/unit/signal/Gtest.h"

#include "libos/signal/TimerTable.h"

#include <memory>

namespace signal {
namespace {

class TimerTableTest : public testing::Test {
protected:
    Timer& create(const Timer& timer = {}) { return *m_table->find(*m_table->create(timer)); }

    std::unique_ptr<TimerTable> m_table = std::make_unique<TimerTable>();
};

TEST_F(TimerTableTest, ATimerThatRunsOnceExpiresOnce) {
    Timer& timer = create();
    m_table->set(timer, {.value = 100}, 1000, false);
    EXPECT_EQ(m_table->next_deadline(), 1100u);
    EXPECT_EQ(TimerTable::expire(timer, 1099), 0u);
    EXPECT_EQ(TimerTable::left(timer, 1099).value, 1u);
    EXPECT_EQ(TimerTable::expire(timer, 1100), 1u);
    EXPECT_EQ(TimerTable::expire(timer, 5000), 0u);
    EXPECT_EQ(TimerTable::left(timer, 5000).value, 0u);
    EXPECT_EQ(m_table->next_deadline(), TimerTable::never);
}

TEST_F(TimerTableTest, WhatWasMissedIsCounted) {
    Timer& timer = create();
    m_table->set(timer, {.value = 100, .interval = 10}, 1000, false);
    EXPECT_EQ(TimerTable::expire(timer, 1100), 1u);
    EXPECT_EQ(TimerTable::expire(timer, 1109), 0u);
    EXPECT_EQ(TimerTable::expire(timer, 1135), 3u);
    EXPECT_EQ(TimerTable::left(timer, 1135).value, 5u);
    EXPECT_EQ(TimerTable::left(timer, 1135).interval, 10u);
}

TEST_F(TimerTableTest, AbsoluteTimesAndTimesPast) {
    Timer& timer = create();
    m_table->set(timer, {.value = 500}, 1000, true);
    EXPECT_EQ(TimerTable::left(timer, 1000).value, 1u); // due, and not seen to yet
    EXPECT_EQ(TimerTable::expire(timer, 1000), 1u);
    auto before = m_table->set(timer, {.value = 1500, .interval = 7}, 1000, true);
    EXPECT_EQ(before.value, 0u);
    before = m_table->set(timer, {}, 1200, false);
    EXPECT_EQ(before.value, 300u);
    EXPECT_EQ(before.interval, 7u);
}

TEST_F(TimerTableTest, TheLongestTimeDoesNotWrap) {
    Timer& timer = create();
    m_table->set(timer, {.value = UINT64_MAX}, 1000, false);
    EXPECT_EQ(TimerTable::expire(timer, UINT64_MAX - 2), 0u);
    EXPECT_LT(m_table->next_deadline(), TimerTable::never);
}

TEST_F(TimerTableTest, FullAndGone) {
    uint32_t last = 0;
    for (uint32_t i = TimerTable::interval_timers; i < TimerTable::capacity; ++i) {
        auto id = m_table->create({});
        ASSERT_TRUE(id);
        last = *id;
    }
    EXPECT_EQ(m_table->create({}).error(), base::Error::Again);
    m_table->remove(last);
    EXPECT_EQ(m_table->find(last), nullptr);
    EXPECT_EQ(m_table->find(TimerTable::capacity), nullptr);
    EXPECT_EQ(*m_table->create({}), last);
}

TEST_F(TimerTableTest, CpuTimeIsLookedForOnlyWhereATimerRunsByIt) {
    Timer& timer = create({.clock = TimerClock::ProcessCpu});
    EXPECT_FALSE(m_table->runs_by_cpu_time());
    m_table->set(timer, {.value = 10}, 1, false);
    EXPECT_TRUE(m_table->runs_by_cpu_time());
    EXPECT_EQ(m_table->next_deadline(), TimerTable::never);
    EXPECT_EQ(TimerTable::expire(timer, 11), 1u);
    EXPECT_FALSE(m_table->runs_by_cpu_time());
}

} // namespace
} // namespace signal
