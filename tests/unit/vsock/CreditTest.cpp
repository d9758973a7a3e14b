// Credit is counted modulo 2^32.
#include "libos/vsock/Credit.h"

#include <gtest/gtest.h>

namespace vsock::test {
namespace {

TEST(SendCredit, IsWhatThePeerHasRoomFor) {
    SendCredit credit;
    credit.start(1000, 0);
    EXPECT_EQ(credit.available(), 1000u);
    credit.spend(700);
    EXPECT_EQ(credit.available(), 300u);
    credit.learn(1000, 200);
    EXPECT_EQ(credit.available(), 500u);
    credit.spend(500);
    EXPECT_EQ(credit.available(), 0u);
    credit.give_back(100);
    EXPECT_EQ(credit.available(), 100u);
}

TEST(SendCredit, WrapsAround) {
    SendCredit credit;
    credit.start(1u << 18, 0);
    uint64_t sent = 0;
    uint64_t forwarded = 0;
    while (sent < uint64_t{3} << 32) {
        uint32_t part = credit.available();
        ASSERT_EQ(part, (1u << 18) - (sent - forwarded));
        credit.spend(part);
        sent += part;
        ASSERT_EQ(credit.available(), 0u);
        forwarded += 100'003;
        forwarded = std::min(forwarded, sent);
        credit.learn(1u << 18, static_cast<uint32_t>(forwarded));
    }
}

TEST(SendCredit, LiesGiveNothing) {
    SendCredit credit;
    credit.start(1000, 0);
    credit.spend(10);
    credit.learn(1000, 11);
    EXPECT_EQ(credit.available(), 0u) << "forwarded more than it got";
    credit.learn(5, 0);
    EXPECT_EQ(credit.available(), 0u) << "a buffer smaller than what is in it";
    credit.learn(UINT32_MAX, 10);
    EXPECT_EQ(credit.available(), UINT32_MAX);
    credit.learn(0, 10);
    EXPECT_EQ(credit.available(), 0u);
}

TEST(ReceiveCredit, IsToldFromAQuarterOn) {
    ReceiveCredit credit;
    credit.start(400);
    EXPECT_FALSE(credit.is_worth_announcing());
    credit.forward(99);
    EXPECT_FALSE(credit.is_worth_announcing());
    credit.forward(1);
    EXPECT_TRUE(credit.is_worth_announcing());
    credit.announce();
    EXPECT_FALSE(credit.is_worth_announcing());
    EXPECT_EQ(credit.forwarded(), 100u);
}

TEST(ReceiveCredit, WrapsAround) {
    ReceiveCredit credit;
    credit.start(400);
    credit.forward(UINT32_MAX);
    credit.announce();
    credit.forward(99);
    EXPECT_FALSE(credit.is_worth_announcing());
    credit.forward(1);
    EXPECT_TRUE(credit.is_worth_announcing());
    EXPECT_EQ(credit.forwarded(), 99u);
}

} // namespace
} // namespace vsock::test
