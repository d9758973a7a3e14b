#include "tests/unit/signal/Gtest.h"

#include "libos/signal/SignalQueue.h"

#include <memory>
#include <vector>

namespace signal {
namespace {

class SignalQueueTest : public testing::Test {
protected:
    bool add(int number, uint64_t value = 0, int code = SentByQueue) {
        return m_queue.add(*m_pool, {.number = number, .code = code, .value = value});
    }
    /// Numbers times 100 plus values, of all that can be taken.
    std::vector<uint64_t> take_all(Set among = ~Set{0}) {
        std::vector<uint64_t> taken;
        Info info;
        while (int number = m_queue.take(*m_pool, among, info)) {
            EXPECT_EQ(info.number, number);
            taken.push_back(static_cast<uint64_t>(number) * 100 + info.value);
        }
        return taken;
    }

    std::unique_ptr<SignalPool> m_pool = std::make_unique<SignalPool>();
    SignalQueue m_queue;
};

TEST_F(SignalQueueTest, StandardSignalsWaitOnceWithWhatTheFirstSaid) {
    EXPECT_TRUE(add(User1, 1));
    EXPECT_TRUE(add(User1, 2));
    EXPECT_EQ(m_queue.pending(), bit(User1));
    EXPECT_EQ(take_all(), std::vector<uint64_t>{1001});
    EXPECT_EQ(m_queue.pending(), 0u);
}

TEST_F(SignalQueueTest, RealTimeSignalsComeInOrderAndTheLowestFirst) {
    for (uint64_t value = 1; value <= 2; ++value) {
        EXPECT_TRUE(add(40, value));
        EXPECT_TRUE(add(35, value));
    }
    EXPECT_EQ(take_all(), (std::vector<uint64_t>{3501, 3502, 4001, 4002}));
}

TEST_F(SignalQueueTest, FaultsComeBeforeLowerNumbers) {
    EXPECT_TRUE(add(Hup));
    EXPECT_TRUE(add(Segv));
    EXPECT_TRUE(add(Illegal));
    EXPECT_EQ(take_all(), (std::vector<uint64_t>{400, 1100, 100}));
}

TEST_F(SignalQueueTest, WhatIsNotWantedStays) {
    EXPECT_TRUE(add(User1, 1));
    EXPECT_TRUE(add(40, 2));
    EXPECT_TRUE(add(User2, 3));
    EXPECT_EQ(take_all(bit(40)), std::vector<uint64_t>{4002});
    EXPECT_EQ(m_queue.pending(), bit(User1) | bit(User2));
    EXPECT_TRUE(add(41, 4)); // behind the one that was last
    EXPECT_EQ(take_all(), (std::vector<uint64_t>{1001, 1203, 4104}));
}

TEST_F(SignalQueueTest, AFullPoolRefusesValuesAndNothingElse) {
    for (size_t i = 0; i < SignalPool::for_senders; ++i)
        ASSERT_TRUE(add(40, 1));
    EXPECT_FALSE(add(40, 2));
    EXPECT_EQ(m_queue.pending(), bit(40));
    EXPECT_TRUE(add(41, 2, SentByKill)); // waits without what it says
    EXPECT_TRUE(add(User1, 3));
    EXPECT_EQ(take_all(bit(41) | bit(User1)), (std::vector<uint64_t>{1000, 4100}));
    EXPECT_EQ(take_all().size(), SignalPool::for_senders);
    EXPECT_EQ(m_queue.pending(), 0u);
    EXPECT_TRUE(add(40, 2)); // there is room again
    EXPECT_EQ(take_all(), std::vector<uint64_t>{4002});
}

TEST_F(SignalQueueTest, TimersHavePlacesOfTheirOwn) {
    while (add(40, 1)) {
    }
    for (size_t i = 0; i < SignalPool::for_timers; ++i)
        ASSERT_TRUE(add(41, 2, SentByTimer)) << i;
    EXPECT_FALSE(add(41, 2, SentByTimer));
    EXPECT_EQ(take_all(bit(41)).size(), SignalPool::for_timers);
    EXPECT_FALSE(add(40, 1)); // theirs are not the senders'
    EXPECT_TRUE(add(41, 2, SentByTimer));
    EXPECT_EQ(take_all().size(), SignalPool::for_senders + 1);
}

TEST_F(SignalQueueTest, ATimersSignalsGoWithIt) {
    auto add_of_timer = [this](int number, uint32_t id) {
        return m_queue.add(*m_pool, {.number = number, .code = SentByTimer, .address_or_sender = id});
    };
    EXPECT_TRUE(add_of_timer(40, 5));
    EXPECT_TRUE(add(40, 5));
    EXPECT_TRUE(add_of_timer(41, 5));
    EXPECT_TRUE(add_of_timer(42, 6));
    m_queue.remove_of_timer(*m_pool, 5);
    EXPECT_EQ(m_queue.pending(), bit(40) | bit(42));
    EXPECT_EQ(take_all(), (std::vector<uint64_t>{4005, 4200}));
}

} // namespace
} // namespace signal
