#include "libos/drivers/Uart16550.h"
#include "tests/unit/drivers/FakeUart.h"

#include <gtest/gtest.h>

#include <string>

namespace drivers::test {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

class Uart16550Test : public testing::Test {
public:
    Uart16550Test() { machine.attach_ports(0x2f8, 8, device); }
    FakeMachine machine;
    FakeUart device;
    Uart16550 uart{Uart16550::second};
};

TEST_F(Uart16550Test, AbsentUartIsNoDeviceAndHarmless) {
    Uart16550 absent{Uart16550::first};
    EXPECT_EQ(absent.initialize(), base::fail(base::Error::NoSuchDevice));
    EXPECT_EQ(absent.write(bytes_of("lost")), 0u);
    EXPECT_EQ(absent.read_byte(), std::nullopt);
}

TEST_F(Uart16550Test, SetsTheLineUp) {
    ASSERT_TRUE(uart.initialize());
    EXPECT_EQ(device.divisor, 1u);
    EXPECT_EQ(device.line_control, 3u);
    EXPECT_EQ(device.interrupt_enable, 0u);
    EXPECT_EQ(device.modem_control & 0x0b, 0x0bu);
    uart.set_receive_interrupt(true);
    EXPECT_EQ(device.interrupt_enable, 1u);
}

TEST_F(Uart16550Test, InterruptsForRoomBeginAtOnceAndOffAndOnMakesAnEdge) {
    ASSERT_TRUE(uart.initialize());
    EXPECT_FALSE(device.take_edge());
    uart.set_interrupts(false, true);
    EXPECT_EQ(device.interrupt_enable, 2u);
    EXPECT_TRUE(device.take_edge());
    uart.set_interrupts(true, true);
    device.receive("x");
    EXPECT_FALSE(device.take_edge()) << "the line is high already";
    uart.set_interrupts(false, false);
    uart.set_interrupts(true, false);
    EXPECT_TRUE(device.take_edge());
}

TEST_F(Uart16550Test, KeepsTheBytesThatCameBeforeTheBoot) {
    device.received = {'$'};
    device.waiting = {'?', '#'};
    ASSERT_TRUE(uart.initialize());
    for (char c : {'$', '?', '#'})
        EXPECT_EQ(uart.read_byte(), static_cast<std::byte>(c));
    EXPECT_EQ(uart.read_byte(), std::nullopt);
}

TEST_F(Uart16550Test, WritesAFifoPerStatusRead) {
    ASSERT_TRUE(uart.initialize());
    device.status_reads = 0;
    std::string text(100, 'x');
    text += "end";
    EXPECT_EQ(uart.write(bytes_of(text)), text.size());
    EXPECT_EQ(device.sent, text);
    EXPECT_LE(device.status_reads, 2 * (text.size() / Uart16550::fifo_size + 1));
}

TEST_F(Uart16550Test, ADeadHostEndCostsOneWait) {
    ASSERT_TRUE(uart.initialize());
    device.takes_bytes = false;
    EXPECT_EQ(uart.write(bytes_of("stuck")), 0u);
    EXPECT_GE(device.status_reads, Uart16550::stall_limit);
    device.status_reads = 0;
    EXPECT_EQ(uart.write(bytes_of("still")), 0u);
    EXPECT_LE(device.status_reads, 1u);
    device.takes_bytes = true;
    EXPECT_EQ(uart.write(bytes_of("moves")), 5u);
    EXPECT_EQ(device.sent, "moves");
}

TEST_F(Uart16550Test, WriteSomeNeverWaits) {
    ASSERT_TRUE(uart.initialize());
    std::string text(40, 'y');
    EXPECT_EQ(uart.write_some(bytes_of(text)), 16u);
    device.takes_bytes = false;
    device.status_reads = 0;
    EXPECT_EQ(uart.write_some(bytes_of(text)), 0u);
    EXPECT_EQ(device.status_reads, 1u);
}

TEST_F(Uart16550Test, ReceivesWhatFitsAndCountsOverruns) {
    ASSERT_TRUE(uart.initialize());
    for (char c : {'a', 'b', 'c'})
        device.received.push_back(c);
    device.overrun = true;
    std::byte buffer[2];
    EXPECT_EQ(uart.receive(buffer), 2u);
    EXPECT_EQ(buffer[1], std::byte{'b'});
    EXPECT_EQ(uart.receive(buffer), 1u);
    EXPECT_EQ(uart.overruns(), 1u);
}

} // namespace
} // namespace drivers::test
