// The row of the issue in simulated time: a line that flips, drops, duplicates and splits, each at 1% of the bytes, for
// 10 000 exchanges of gdb's kind; with a trace beside it, and every byte checked.
#include "tests/unit/probes/serial/SimulatedLine.h"

#include <gtest/gtest.h>

namespace serial::test {
namespace {

/// A stream of bytes that follow from their place, so that any that is wrong, missing or doubled is seen.
class Stream {
public:
    explicit Stream(uint32_t key)
        : m_key(key) {}
    std::string next(size_t size) {
        std::string bytes(size, 0);
        for (auto& byte : bytes)
            byte = at(m_written++);
        return bytes;
    }
    void take_back(size_t size) { m_written -= size; }
    void check(std::string_view got) {
        for (char byte : got)
            ASSERT_EQ(byte, at(m_read++));
    }
    uint64_t count() const { return m_read; }
    uint64_t outstanding() const { return m_written - m_read; }

private:
    char at(uint64_t place) const { return static_cast<char>((place * 2654435761u + m_key) >> 7 ^ place); }
    uint32_t m_key;
    uint64_t m_written = 0;
    uint64_t m_read = 0;
};

struct Load {
    unsigned exchanges;
    bool plain;
    bool trace;
    double rate;
    uint32_t seed;
};

void expect_exchanges(const Load& load) {
    SimulatedLine line(load.seed);
    line.restart_host(load.plain);
    line.restart_guest(load.plain);
    line.set_faults({.flip = load.rate, .drop = load.rate, .duplicate = load.rate, .split = load.rate, .eats = {}});
    ASSERT_TRUE(line.connect(600'000'000));
    std::mt19937 random(load.seed);
    Stream requests(1), replies(2), trace(3);
    auto turn = [&] {
        if (!load.trace)
            return;
        auto room = line.guest->link.room(SerialChannel::Trace);
        line.guest->write(SerialChannel::Trace, trace.next(room));
        trace.check(line.host->read(SerialChannel::Trace));
    };
    for (unsigned i = 0; i < load.exchanges; ++i) {
        line.host->write(SerialChannel::Gdb, requests.next(4 + random() % 60));
        ASSERT_TRUE(line.run_for(
            60'000'000, [&] { return requests.outstanding() == 0; },
            [&] {
                turn();
                requests.check(line.guest->read(SerialChannel::Gdb));
            }))
            << i;
        line.guest->write(SerialChannel::Gdb, replies.next(8 + random() % 300));
        ASSERT_TRUE(line.run_for(
            60'000'000, [&] { return replies.outstanding() == 0; },
            [&] {
                turn();
                replies.check(line.host->read(SerialChannel::Gdb));
            }))
            << i;
        ASSERT_FALSE(testing::Test::HasFatalFailure());
    }
    EXPECT_EQ(line.host->link.connection(), 1u) << "the session goes on";
    EXPECT_EQ(line.guest->link.connection(), 1u);
    EXPECT_GT(line.host->link.statistics().frames_damaged, load.exchanges / 2);
    if (load.trace) {
        EXPECT_GT(trace.count(), 1000u * load.exchanges / 10);
    }
}

TEST(SerialCorruption, TenThousandExchanges) {
    expect_exchanges({.exchanges = 10'000, .plain = true, .trace = false, .rate = 0.01, .seed = 1});
}
TEST(SerialCorruption, BesideATrace) {
    expect_exchanges({.exchanges = 2'000, .plain = true, .trace = true, .rate = 0.01, .seed = 2});
}
TEST(SerialCorruption, Escaped) {
    expect_exchanges({.exchanges = 2'000, .plain = false, .trace = false, .rate = 0.01, .seed = 3});
}
TEST(SerialCorruption, EscapedBesideATrace) {
    expect_exchanges({.exchanges = 500, .plain = false, .trace = true, .rate = 0.01, .seed = 4});
}
TEST(SerialCorruption, MuchWorse) {
    expect_exchanges({.exchanges = 100, .plain = true, .trace = true, .rate = 0.02, .seed = 5});
}
TEST(SerialCorruption, SeldomDamaged) {
    expect_exchanges({.exchanges = 2'000, .plain = true, .trace = true, .rate = 0.0005, .seed = 6});
}

/// What text the noise makes up is little, beside what passes.
TEST(SerialCorruption, DamagedFramesAreNotShownAsText) {
    for (bool plain : {true, false}) {
        SimulatedLine line(9);
        line.restart_host(plain);
        line.restart_guest(plain);
        line.set_faults({.flip = 0.01, .drop = 0.01, .duplicate = 0.01, .split = 0.01, .eats = {}});
        ASSERT_TRUE(line.connect());
        std::mt19937 random(9);
        line.run_for(5'000'000, {}, [&] {
            std::string bytes(line.guest->link.room(SerialChannel::Trace), 0);
            for (auto& byte : bytes)
                byte = static_cast<char>(random());
            line.guest->write(SerialChannel::Trace, bytes);
            line.host->read(SerialChannel::Trace);
        });
        EXPECT_GT(line.to_host.bytes_sent(), 500'000u);
        EXPECT_LT(line.host->text.size(), line.to_host.bytes_sent() / (plain ? 10'000 : 1000));
    }
}

} // namespace
} // namespace serial::test
