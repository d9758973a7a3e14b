#include "probes/serial/Flights.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace serial {
namespace {

/// Fates that an Ack decided: number on the line -> arrived.
using Fates = std::map<unsigned, bool>;

Fates acknowledge(Flights& flights, const Arrivals& arrivals) {
    uint8_t missing[wire::serial_ack_history / 8];
    size_t size = arrivals.missing(missing);
    Fates fates;
    flights.acknowledge(arrivals.newest(), {missing, size},
                        [&](const Flights::Flight& flight, bool arrived) { fates[flight.number] = arrived; });
    return fates;
}

TEST(SerialFlights, AnAckDecidesAllBeforeTheNewest) {
    Flights flights;
    Arrivals arrivals;
    for (int i = 0; i < 5; ++i)
        flights.add(SerialChannel::Gdb, {}, 20, 100 + i);
    arrivals.add(0, true);
    EXPECT_FALSE(arrivals.take_new_gap());
    arrivals.add(3, true);
    EXPECT_TRUE(arrivals.take_new_gap());
    EXPECT_EQ(acknowledge(flights, arrivals), (Fates{{0, true}, {1, false}, {2, false}, {3, true}}));
    EXPECT_EQ(flights.count(), 1u);
    EXPECT_EQ(acknowledge(flights, arrivals), Fates{});
}

TEST(SerialFlights, WhatWasRefusedIsMissing) {
    Flights flights;
    Arrivals arrivals;
    flights.add(SerialChannel::Gdb, {}, 20, 1);
    flights.add(SerialChannel::Gdb, {}, 20, 1);
    arrivals.add(0, true);
    arrivals.add(1, false);
    EXPECT_EQ(acknowledge(flights, arrivals), (Fates{{0, true}, {1, false}}));
}

TEST(SerialFlights, BeforeAnythingArrivedAnAckDecidesNothing) {
    Flights flights;
    flights.add(SerialChannel::Gdb, {}, 20, 1);
    EXPECT_EQ(acknowledge(flights, Arrivals()), Fates{});
    EXPECT_EQ(flights.count(), 1u);
}

TEST(SerialFlights, OlderThanTheHistoryIsLost) {
    Flights flights;
    Arrivals arrivals;
    for (unsigned i = 0; i < 40; ++i) {
        flights.add(SerialChannel::Gdb, {}, 20, 1);
        arrivals.add(static_cast<uint8_t>(i), true);
    }
    auto fates = acknowledge(flights, arrivals);
    EXPECT_EQ(fates.size(), 40u);
    for (auto [number, arrived] : fates)
        EXPECT_EQ(arrived, number >= 40 - wire::serial_ack_history);
}

TEST(SerialFlights, GivesUpTheMostUrgentAndKeepsItsFate) {
    Flights flights;
    flights.add(SerialChannel::Trace, {}, 20, 1);
    flights.add(SerialChannel::Link, {}, 20, 1);
    flights.add(SerialChannel::Gdb, {5, 9}, 20, 1);
    EXPECT_EQ(flights.give_up_most_urgent().range, (Range{5, 9}));
    EXPECT_EQ(flights.give_up_most_urgent().channel, SerialChannel::Trace);
    EXPECT_EQ(flights.give_up_most_urgent().channel, SerialChannel::Link);
    EXPECT_TRUE(flights.is_empty());
    Arrivals arrivals;
    arrivals.add(2, true);
    EXPECT_EQ(acknowledge(flights, arrivals), (Fates{{0, false}, {1, false}, {2, true}}));
}

TEST(SerialFlights, AFullTableMakesRoomByGivingUpTheOldest) {
    Flights flights;
    for (unsigned i = 0; i < Flights::capacity; ++i)
        flights.add(SerialChannel::Gdb, {}, 20, 1);
    EXPECT_FALSE(flights.has_room());
    EXPECT_EQ(flights.give_up_oldest().number, 0u);
    EXPECT_TRUE(flights.has_room());
    flights.add(SerialChannel::Gdb, {}, 20, 1);
    EXPECT_EQ(flights.count(), Flights::capacity);
}

/// Numbers come round many times; each transmission's fate is told at most once, and as it was.
TEST(SerialFlights, FatesAreTrue) {
    std::mt19937 random(1);
    Flights flights;
    Arrivals arrivals;
    Fates truth;
    unsigned next = 0, decided = 0;
    for (int step = 0; step < 50'000; ++step) {
        if (flights.has_room() && random() % 3 != 0) {
            EXPECT_EQ(flights.next_sequence(), static_cast<uint8_t>(next));
            flights.add(SerialChannel::Trace, {}, 20, 1);
            if ((truth[next] = random() % 2 == 0))
                arrivals.add(static_cast<uint8_t>(next), true);
            ++next;
        }
        if (random() % 4 == 0) {
            for (auto [number, arrived] : acknowledge(flights, arrivals)) {
                EXPECT_EQ(truth.count(number), 1u);
                EXPECT_TRUE(arrived == truth[number] || !arrived);
                truth.erase(number);
                ++decided;
            }
        }
        if (!flights.has_room() && truth.size() >= Flights::capacity)
            flights.give_up_oldest();
    }
    EXPECT_GT(decided, 20'000u);
}

} // namespace
} // namespace serial
