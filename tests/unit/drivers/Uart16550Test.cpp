#include "libos/drivers/Uart16550.h"
#include "tests/unit/drivers/FakeMachine.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>

namespace drivers::test {
namespace {

/// The registers of a 16550A as far as a driver can see them.
class FakeUart final : public FakeRegisters {
public:
    uint32_t read(uint64_t offset, unsigned) override {
        switch (offset) {
        case 0: {
            if (received.empty())
                return 0;
            uint8_t byte = static_cast<uint8_t>(received.front());
            received.pop_front();
            // Without FIFO the line waits for the one byte to be taken, and the next comes at once.
            if ((fifo_control & 1) == 0 && (modem_control & 0x10) == 0 && !waiting.empty()) {
                received.push_back(waiting.front());
                waiting.pop_front();
            }
            return byte;
        }
        case 5: {
            ++status_reads;
            uint8_t status = (received.empty() ? 0 : 1) | (overrun ? 2 : 0) | (takes_bytes ? 0x20 : 0);
            overrun = false;
            return status;
        }
        case 7:
            return scratch;
        default:
            return 0;
        }
    }
    void write(uint64_t offset, uint32_t value, unsigned) override {
        bool divisor_latch = (line_control & 0x80) != 0;
        switch (offset) {
        case 0:
            if (divisor_latch)
                divisor = value;
            else
                sent.push_back(static_cast<char>(value));
            break;
        case 1:
            if (!divisor_latch)
                interrupt_enable = value;
            break;
        case 2:
            if ((value & 1) != 0)
                received.clear(); // enabling the FIFOs empties them
            fifo_control = value;
            break;
        case 3:
            line_control = value;
            break;
        case 4:
            modem_control = value;
            if ((value & 0x10) == 0) {
                received.insert(received.end(), waiting.begin(), waiting.end());
                waiting.clear();
            }
            break;
        case 7:
            scratch = value;
            break;
        default:
            break;
        }
    }

    std::deque<char> received;
    std::deque<char> waiting; ///< on the line, not in the UART yet
    std::string sent;
    bool takes_bytes = true;
    bool overrun = false;
    unsigned status_reads = 0;
    uint32_t divisor = 0, interrupt_enable = 0xff, fifo_control = 0, line_control = 0, modem_control = 0, scratch = 0;
};

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
