// The guest's end of the serial line in a running machine.
#include "tests/unit/links/MuxBench.h"

#include <gtest/gtest.h>

namespace links::test {
namespace {

constexpr std::pair<Channel, SerialChannel> channels[] = {{Channel::Console, SerialChannel::Console},
                                                          {Channel::Control, SerialChannel::Control},
                                                          {Channel::Gdb, SerialChannel::Gdb},
                                                          {Channel::Trace, SerialChannel::Trace},
                                                          {Channel::Crash, SerialChannel::Crash}};

std::string some_bytes(size_t size) {
    std::string bytes(size, 0);
    for (size_t i = 0; i < size; ++i)
        bytes[i] = static_cast<char>(i * 31 + i / 256);
    return bytes;
}

/// Both ways, more than any ring holds to the host.
void expect_traffic(MuxBench& bench, Channel channel, SerialChannel id, size_t size = 20'000) {
    auto& guest = bench.mux->channel(channel);
    auto bytes = some_bytes(size);
    size_t written = 0;
    std::string got;
    ASSERT_TRUE(bench.run_until([&] {
        if (written < size)
            written += guest.write_some(bytes_of(bytes).subspan(written)).value_or(0);
        got += bench.host->read(id);
        return got.size() >= size;
    }));
    EXPECT_TRUE(got == bytes);
    got.clear();
    size_t to_guest = 0;
    ASSERT_TRUE(bench.run_until([&] {
        to_guest += bench.host->write(id, std::string_view(bytes).substr(to_guest, 500));
        got += read_all(guest);
        return got.size() >= size;
    }));
    EXPECT_TRUE(got == bytes);
}

TEST(SerialMux, EveryChannelBothWays) {
    for (bool plain : {true, false}) {
        MuxBench bench(plain);
        bench.start();
        ASSERT_TRUE(bench.connect());
        for (auto [channel, id] : channels)
            expect_traffic(bench, channel, id);
        EXPECT_EQ(bench.mux->statistics().frames_damaged, 0u);
    }
}

TEST(SerialMux, OverAUartThatIsSlow) {
    MuxBench bench;
    bench.device.slow = true;
    bench.start();
    ASSERT_TRUE(bench.connect());
    expect_traffic(bench, Channel::Trace, SerialChannel::Trace);
}

TEST(SerialMux, OverALineThatDamagesBytes) {
    MuxBench bench;
    bench.damage = noise(1);
    bench.start();
    ASSERT_TRUE(bench.connect());
    expect_traffic(bench, Channel::Gdb, SerialChannel::Gdb, 5'000);
    EXPECT_GT(bench.mux->statistics().frames_lost, 0u);
}

TEST(SerialMux, WhatAUartOverranComesAgain) {
    MuxBench bench;
    bench.start();
    ASSERT_TRUE(bench.connect());
    unsigned nth = 0;
    bench.damage = [&](std::string& bytes) {
        if (bytes.size() > 16 && ++nth % 5 == 0)
            bytes.erase(16, 3); // the FIFO was full
    };
    expect_traffic(bench, Channel::Control, SerialChannel::Control, 3'000);
}

TEST(SerialMux, WithoutAHostThereIsNobody) {
    MuxBench bench;
    bench.start();
    auto& gdb = bench.mux->channel(Channel::Gdb);
    EXPECT_FALSE(gdb.is_host_connected());
    EXPECT_EQ(gdb.connection(), 0u);
    EXPECT_EQ(gdb.write_some(bytes_of("x")), base::fail(base::Error::BrokenPipe));
    EXPECT_EQ(gdb.write_some({}), 0u);
    EXPECT_EQ(gdb.polled_write(bytes_of("x"), 10), base::fail(base::Error::BrokenPipe));
    EXPECT_EQ(gdb.polled_flush(10), base::fail(base::Error::BrokenPipe));
    EXPECT_EQ(read_all(gdb), "");
}

TEST(SerialMux, AHostThatRestartsIsAnotherConnection) {
    MuxBench bench;
    bench.start();
    ASSERT_TRUE(bench.connect());
    auto& gdb = bench.mux->channel(Channel::Gdb);
    EXPECT_EQ(gdb.connection(), 1u);
    EXPECT_TRUE(gdb.write_some(bytes_of("old")));
    bench.host->write(SerialChannel::Gdb, "old");
    bench.start_host();
    ASSERT_TRUE(bench.run_until([&] { return gdb.connection() == 3 && bench.host->link.is_up(); }));
    EXPECT_EQ(read_all(gdb), "");
    expect_traffic(bench, Channel::Gdb, SerialChannel::Gdb, 1000);
}

TEST(SerialMux, WhatIsDueBeforeTheThreadComesByItselfWakesIt) {
    MuxBench bench;
    bench.start();
    ASSERT_TRUE(bench.connect());
    auto& gdb = bench.mux->channel(Channel::Gdb);
    bench.host->write(SerialChannel::Gdb, "?");
    ASSERT_TRUE(bench.run_until([&] { return read_all(gdb) == "?"; }));
    ASSERT_TRUE(bench.run_until([&] { return bench.host->link.is_settled(SerialChannel::Gdb) && !bench.woken; }));
    uint64_t wait = 0;
    while (wait < 200'000) // nothing is due but the keepalive
        wait = bench.mux->service();
    bench.woken = false;
    ASSERT_TRUE(gdb.write_some(bytes_of("$T05#b9")));
    EXPECT_TRUE(bench.woken); // it has to be repeated if nothing is heard
    bench.woken = false;
    ASSERT_TRUE(gdb.write_some(bytes_of("$T05#b9")));
    EXPECT_FALSE(bench.woken); // told once
    EXPECT_LT(bench.mux->service(), 200'000u);
}

struct Counter {
    unsigned events = 0;
    static void count(void* self) { ++static_cast<Counter*>(self)->events; }
};

TEST(SerialMux, EventsSayWhenItIsWorthTrying) {
    MuxBench bench;
    Counter gdb, trace;
    bench.mux->channel(Channel::Gdb).set_event_handler(Counter::count, &gdb);
    bench.mux->channel(Channel::Trace).set_event_handler(Counter::count, &trace);
    bench.start();
    ASSERT_TRUE(bench.connect());
    EXPECT_GT(gdb.events, 0u); // the host has come
    ASSERT_TRUE(bench.run_until([&] { return bench.host->link.is_settled(SerialChannel::Gdb); }));
    gdb = trace = {};
    bench.host->write(SerialChannel::Gdb, "request");
    ASSERT_TRUE(bench.run_until([&] { return gdb.events != 0; }));
    EXPECT_EQ(read_all(bench.mux->channel(Channel::Gdb)), "request");
    EXPECT_EQ(trace.events, 0u);
    // Full, and room again.
    auto& channel = bench.mux->channel(Channel::Trace);
    auto bytes = some_bytes(4096);
    bool full = false;
    ASSERT_TRUE(bench.run_until([&] {
        full = full || !channel.write_some(bytes_of(bytes));
        return full;
    }));
    EXPECT_EQ(channel.write_some(bytes_of(bytes)), base::fail(base::Error::Again));
    trace = {};
    ASSERT_TRUE(bench.run_until([&] {
        bench.host->read(SerialChannel::Trace);
        return trace.events != 0 && channel.write_some(bytes_of("x")).has_value();
    }));
}

TEST(SerialMux, PagesAreSentAndToldOnce) {
    MuxBench bench;
    bench.start();
    ASSERT_TRUE(bench.connect());
    auto& channel = bench.mux->channel(Channel::Trace);
    auto bytes = some_bytes(50'000);
    auto address = reinterpret_cast<memory::PhysicalAddress>(bytes.data());
    Counter done;
    EXPECT_EQ(channel.write_pages(address, 0, Counter::count, &done), base::fail(base::Error::Invalid));
    ASSERT_TRUE(channel.write_pages(address, 50'000, Counter::count, &done));
    // In order: nothing else before it has gone.
    EXPECT_EQ(channel.write_pages(address, 1, Counter::count, &done), base::fail(base::Error::Again));
    EXPECT_EQ(channel.write_some(bytes_of("x")), base::fail(base::Error::Again));
    std::string got;
    ASSERT_TRUE(bench.run_until([&] {
        got += bench.host->read(SerialChannel::Trace);
        return got.size() == bytes.size() && done.events != 0;
    }));
    EXPECT_TRUE(got == bytes);
    EXPECT_EQ(done.events, 1u);
    ASSERT_TRUE(channel.write_pages(address, 100, Counter::count, &done));
    ASSERT_TRUE(bench.run_until([&] { return done.events == 2; }));
}

TEST(SerialMux, PagesOfAHostThatIsGoneAreGivenBack) {
    MuxBench bench;
    bench.start();
    ASSERT_TRUE(bench.connect());
    auto bytes = some_bytes(50'000);
    Counter done;
    auto& channel = bench.mux->channel(Channel::Trace);
    ASSERT_TRUE(
        channel.write_pages(reinterpret_cast<memory::PhysicalAddress>(bytes.data()), 50'000, Counter::count, &done));
    bench.host->link.stop();
    ASSERT_TRUE(bench.run_until([&] { return done.events != 0; }));
    EXPECT_EQ(done.events, 1u);
    EXPECT_FALSE(channel.is_host_connected());
}

// --- The console

TEST(SerialMux, WithoutASessionTheConsoleIsTheBareLine) {
    MuxBench bench;
    bench.start();
    auto& console = bench.mux->channel(Channel::Console);
    EXPECT_TRUE(console.is_host_connected());
    std::string text = "a terminal reads this\n";
    for (size_t sent = 0; sent < text.size();)
        sent += console.write_some(bytes_of(text).subspan(sent)).value_or(0);
    bench.move_line();
    EXPECT_EQ(bench.line_log, text);
    EXPECT_EQ(bench.device.receive("typed\n"), 6u);
    std::string typed;
    ASSERT_TRUE(bench.run_until([&] { return (typed += read_all(console)) == "typed\n"; }));
}

TEST(SerialMux, ClearTextComesBeforeTheSessionAndFramesAfter) {
    MuxBench bench;
    bench.start();
    auto& console = bench.mux->channel(Channel::Console);
    ASSERT_TRUE(console.write_some(bytes_of("early\n")));
    ASSERT_TRUE(bench.connect());
    ASSERT_TRUE(console.write_some(bytes_of("late\n")));
    std::string got;
    ASSERT_TRUE(bench.run_until([&] { return (got += bench.host->read(SerialChannel::Console)) == "late\n"; }));
    EXPECT_EQ(bench.host->text, "early\n");
    // And again when the host has left.
    bench.host->link.stop();
    ASSERT_TRUE(bench.run_until([&] { return !bench.mux->channel(Channel::Gdb).is_host_connected(); }));
    ASSERT_TRUE(console.write_some(bytes_of("alone\n")));
    ASSERT_TRUE(bench.run_until([&] { return bench.host->text.ends_with("alone\n"); }));
}

TEST(SerialMux, AHostEndThatTakesNothingDoesNotHoldTheConsole) {
    MuxBench bench;
    bench.start();
    bench.mux->service();
    bench.device.takes_bytes = false;
    EXPECT_EQ(bench.mux->channel(Channel::Console).write_some(bytes_of("lost")), base::fail(base::Error::Again));
}

} // namespace
} // namespace links::test
