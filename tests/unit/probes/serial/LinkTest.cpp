// Channels over a line that is good, slow, unclean or has text on it.
#include "tests/unit/probes/serial/SimulatedLine.h"

#include <gtest/gtest.h>

namespace serial::test {
namespace {

std::string random_bytes(std::mt19937& random, size_t size) {
    std::string bytes(size, 0);
    for (auto& byte : bytes)
        byte = static_cast<char>(random());
    return bytes;
}

/// Sends `bytes` in one direction as fast as they are taken, reading them as they come.
void expect_transfer(SimulatedLine& line, bool to_host, SerialChannel channel, const std::string& bytes,
                     Time limit = 600'000'000) {
    auto& from = to_host ? line.guest : line.host;
    auto& to = to_host ? line.host : line.guest;
    size_t written = 0;
    std::string got;
    bool done = line.run_for(
        limit, [&] { return got.size() >= bytes.size(); },
        [&] {
            written += from->write(channel, std::string_view(bytes).substr(written));
            got += to->read(channel);
        });
    ASSERT_TRUE(done) << got.size() << " of " << bytes.size();
    EXPECT_TRUE(got == bytes);
}

TEST(SerialLink, EveryChannelBothWays) {
    SimulatedLine line;
    std::mt19937 random(1);
    ASSERT_TRUE(line.connect());
    for (size_t channel = 1; channel < channel_count; ++channel) {
        for (bool to_host : {false, true})
            expect_transfer(line, to_host, static_cast<SerialChannel>(channel), random_bytes(random, 200'000));
    }
    EXPECT_EQ(line.host->link.statistics().frames_damaged, 0u);
    EXPECT_EQ(line.host->link.statistics().frames_lost, 0u);
    EXPECT_EQ(line.guest->link.statistics().time_outs, 0u);
    EXPECT_EQ(line.host->text + line.guest->text, "");
}

TEST(SerialLink, ACleanLineCarriesLittleBesides) {
    SimulatedLine line;
    std::mt19937 random(2);
    ASSERT_TRUE(line.connect());
    expect_transfer(line, true, SerialChannel::Trace, random_bytes(random, 1'000'000));
    EXPECT_LT(line.to_host.bytes_sent(), 1'090'000u);
    EXPECT_LT(line.to_guest.bytes_sent(), 60'000u); // acknowledgements
}

TEST(SerialLink, ALineOf115200Baud) {
    SimulatedLine line(1, 87, 1000);
    std::mt19937 random(3);
    ASSERT_TRUE(line.connect());
    Time began = line.now;
    expect_transfer(line, true, SerialChannel::Trace, random_bytes(random, 40'000));
    EXPECT_LT(line.now - began, 40'000u * 87 * 12 / 10); // simulated: within 20% of what the line carries
    EXPECT_EQ(line.guest->link.statistics().time_outs, 0u);
}

TEST(SerialLink, BytesInOnePieceArriveAtOnce) {
    SimulatedLine line;
    ASSERT_TRUE(line.connect());
    line.host->write(SerialChannel::Gdb, "$m1000,40#8e");
    Time began = line.now;
    ASSERT_TRUE(line.run_for(1'000'000, [&] { return line.guest->link.readable(SerialChannel::Gdb) == 12; }));
    EXPECT_LT(line.now - began, 200u);
    EXPECT_EQ(line.guest->link.take_changes() & 1u << static_cast<unsigned>(SerialChannel::Gdb), 2u);
}

// --- Flow control

TEST(SerialLink, AReaderThatDoesNotReadStopsItsChannelOnly) {
    SimulatedLine line;
    std::mt19937 random(4);
    ASSERT_TRUE(line.connect());
    auto bytes = random_bytes(random, 20'000);
    size_t written = 0;
    auto write = [&] { written += line.guest->write(SerialChannel::Trace, std::string_view(bytes).substr(written)); };
    line.run_for(5'000'000, {}, write);
    // What fits is here and there, and not a byte more was sent.
    EXPECT_EQ(line.host->link.readable(SerialChannel::Trace), 4096u);
    EXPECT_EQ(written, 8192u);
    EXPECT_FALSE(line.guest->link.is_settled(SerialChannel::Trace));
    for (auto channel : {SerialChannel::Gdb, SerialChannel::Control, SerialChannel::Console, SerialChannel::Crash})
        expect_transfer(line, true, channel, random_bytes(random, 10'000));
    // Asking whether there is room again costs next to nothing.
    auto sent = line.to_host.bytes_sent();
    line.run_for(60'000'000, {}, write);
    EXPECT_LT(line.to_host.bytes_sent() - sent, 4000u);
    EXPECT_EQ(written, 8192u);

    std::string got;
    EXPECT_TRUE(line.run_for(
        60'000'000, [&] { return got.size() == bytes.size(); },
        [&] {
            write();
            got += line.host->read(SerialChannel::Trace);
        }));
    EXPECT_TRUE(got == bytes);
}

TEST(SerialLink, RoomThatWasTakenBackIsFoundThoughTheNewsOfItIsLost) {
    SimulatedLine line;
    ASSERT_TRUE(line.connect());
    line.guest->write(SerialChannel::Trace, std::string(4096, 'a'));
    line.run_for(100'000);
    line.guest->write(SerialChannel::Trace, std::string(4096, 'b'));
    line.run_for(100'000);
    line.to_guest.faults.drop = 1; // the news
    EXPECT_EQ(line.host->read(SerialChannel::Trace), std::string(4096, 'a'));
    line.run_for(20'000);
    line.to_guest.faults.drop = 0;
    std::string got;
    EXPECT_TRUE(line.run_for(5'000'000, [&] { return (got += line.host->read(SerialChannel::Trace)).size() == 4096; }));
    EXPECT_EQ(got, std::string(4096, 'b'));
}

TEST(SerialLink, UnequalAndSmallWindows) {
    std::mt19937 random(5);
    for (size_t size : {16u, 64u, 1024u, 8192u}) {
        SimulatedLine line;
        line.restart_guest(true, {.send = 8192, .receive = size});
        line.restart_host(true, {.send = size, .receive = 256});
        ASSERT_TRUE(line.connect());
        expect_transfer(line, true, SerialChannel::Gdb, random_bytes(random, 20'000));
        expect_transfer(line, false, SerialChannel::Gdb, random_bytes(random, 5'000));
    }
}

// --- Clear text

TEST(SerialLink, ClearTextBetweenFramesIsTheConsoles) {
    SimulatedLine line;
    std::mt19937 random(6);
    line.guest->link.stop();
    auto say = [&](std::string_view text) {
        line.to_host.send({reinterpret_cast<const uint8_t*>(text.data()), text.size()}, line.now);
    };
    say("booting: {0}\n");
    line.run_for(100'000);
    line.restart_guest();
    ASSERT_TRUE(line.connect());
    auto bytes = random_bytes(random, 30'000);
    size_t written = 0;
    std::string got;
    Time next = line.now;
    unsigned lines = 0;
    ASSERT_TRUE(line.run_for(
        10'000'000, [&] { return got.size() == bytes.size(); },
        [&] {
            if (line.now >= next && line.to_host.free_at() <= line.now && lines < 20) {
                say("a line of a crash report\n");
                ++lines;
                next = line.now + 2000;
            }
            written += line.guest->write(SerialChannel::Trace, std::string_view(bytes).substr(written));
            got += line.host->read(SerialChannel::Trace);
        }));
    line.run_for(1'000'000);
    EXPECT_TRUE(got == bytes);
    std::string expected = "booting: {0}\n";
    for (unsigned i = 0; i < lines; ++i)
        expected += "a line of a crash report\n";
    EXPECT_EQ(line.host->text, expected);
    EXPECT_EQ(line.guest->link.statistics().frames_lost, 0u);
}

// --- Lines that are not 8-bit clean

TEST(SerialLink, EscapedOverALineThatEatsControlsAndTheEighthBit) {
    std::mt19937 random(7);
    SimulatedLine line;
    line.set_faults({.eats = [](uint8_t byte) { return byte < 0x20 || byte >= 0x7f; }});
    line.restart_host();
    line.restart_guest(false);
    ASSERT_TRUE(line.connect());
    for (bool to_host : {false, true})
        expect_transfer(line, to_host, SerialChannel::Gdb, random_bytes(random, 50'000));
    EXPECT_EQ(line.guest->link.statistics().frames_lost, 0u);

    line.set_faults({.eats = {}, .mask = 0x7f});
    for (bool to_host : {false, true})
        expect_transfer(line, to_host, SerialChannel::Gdb, random_bytes(random, 50'000));
    EXPECT_EQ(line.guest->link.statistics().frames_lost, 0u);
    EXPECT_LT(line.to_host.bytes_sent(), 100'000u * 3 / 2 + 10'000);
}

} // namespace
} // namespace serial::test
