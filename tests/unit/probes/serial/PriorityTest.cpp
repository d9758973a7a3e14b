// Who goes first: gdb, control, console, crash, trace; and that the last is not forgotten.
#include "tests/unit/probes/serial/SimulatedLine.h"

#include <gtest/gtest.h>

namespace serial::test {
namespace {

/// Counts data frames of each channel that the guest puts on the line.
class FrameCounter {
public:
    explicit FrameCounter(SimulatedLine& line) {
        line.on_frame = [this](SerialRole role, std::span<const uint8_t> frame) {
            if (role != SerialRole::Guest || frame.front() != wire::serial_plain_start)
                return;
            uint8_t kind = frame[1];
            if (kind < channel_count && kind != 0) {
                ++frames[kind];
                order.push_back(static_cast<SerialChannel>(kind));
            }
        };
    }
    size_t of(SerialChannel channel) { return frames[static_cast<size_t>(channel)]; }
    size_t frames[channel_count] = {};
    std::vector<SerialChannel> order;
};

void flood(SimulatedLine& line, SerialChannel channel) {
    line.guest->write(channel, std::string(line.guest->link.room(channel), 'f'));
    line.host->read(channel);
}

TEST(SerialPriority, GdbWaitsForOneFrameOfAFlood) {
    SimulatedLine line(1, 87, 1000);
    ASSERT_TRUE(line.connect());
    FrameCounter counter(line);
    auto turn = [&] {
        for (auto channel : {SerialChannel::Console, SerialChannel::Crash, SerialChannel::Trace})
            flood(line, channel);
    };
    line.run_for(2'000'000, {}, turn);
    ASSERT_GT(counter.of(SerialChannel::Trace), 0u);
    for (int i = 0; i < 50; ++i) {
        line.run_for(12'345, {}, turn);
        // Nothing of what is queued or under way is before it: the frame on the line, one whose turn has come, then
        // gdb.
        line.guest->write(SerialChannel::Gdb, "$OK#9a");
        counter.order.clear();
        ASSERT_TRUE(line.run_for(
            1'000'000, [&] { return counter.of(SerialChannel::Gdb) == static_cast<size_t>(i + 1); }, turn));
        EXPECT_LE(counter.order.size(), 2u);
        std::string got;
        ASSERT_TRUE(
            line.run_for(1'000'000, [&] { return (got += line.host->read(SerialChannel::Gdb)).size() == 6; }, turn));
        EXPECT_EQ(got, "$OK#9a");
    }
}

TEST(SerialPriority, OrderOfTheChannels) {
    SimulatedLine line(1, 87, 1000);
    ASSERT_TRUE(line.connect());
    FrameCounter counter(line);
    for (size_t channel = channel_count - 1; channel >= 1; --channel)
        line.guest->write(static_cast<SerialChannel>(channel), "one");
    line.run_for(1'000'000);
    EXPECT_EQ(counter.order, (std::vector{SerialChannel::Gdb, SerialChannel::Control, SerialChannel::Console,
                                          SerialChannel::Crash, SerialChannel::Trace}));
}

TEST(SerialPriority, NobodyIsStarved) {
    SimulatedLine line;
    ASSERT_TRUE(line.connect());
    FrameCounter counter(line);
    line.run_for(3'000'000, {}, [&] {
        for (size_t channel = 1; channel < channel_count; ++channel)
            flood(line, static_cast<SerialChannel>(channel));
    });
    // Each other has about one frame of `patience`, gdb the rest.
    for (auto channel : {SerialChannel::Control, SerialChannel::Console, SerialChannel::Crash, SerialChannel::Trace}) {
        EXPECT_GT(counter.of(channel), counter.order.size() / (2 * Link::patience));
        EXPECT_LT(counter.of(channel), counter.order.size() / (Link::patience / 2));
    }
    EXPECT_GT(counter.of(SerialChannel::Gdb), counter.order.size() / 2);
}

TEST(SerialPriority, ABulkTransferLeavesRoomForGdbUnderWay) {
    SimulatedLine line;
    ASSERT_TRUE(line.connect());
    line.run_for(100'000, {}, [&] { flood(line, SerialChannel::Trace); });
    // The host falls silent: what may be under way is, and gdb's goes out all the same.
    line.to_guest.faults.drop = 1;
    FrameCounter counter(line);
    line.run_for(10'000, {}, [&] { flood(line, SerialChannel::Trace); });
    EXPECT_LE(counter.of(SerialChannel::Trace), Link::bulk_flights + 3);
    line.guest->write(SerialChannel::Gdb, "$OK#9a");
    std::string got;
    EXPECT_TRUE(line.run_for(1'000, [&] { return (got += line.host->read(SerialChannel::Gdb)).size() == 6; }));
}

} // namespace
} // namespace serial::test
