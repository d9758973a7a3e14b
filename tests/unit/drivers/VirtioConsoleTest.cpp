#include "libos/drivers/VirtioConsole.h"
#include "libos/drivers/VirtioMmio.h"
#include "tests/unit/drivers/FakeVirtio.h"

#include <gtest/gtest.h>

namespace drivers::test {
namespace {

constexpr PhysicalAddress mmio_address = 0xfeb00000;

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

class VirtioConsoleTest : public testing::Test {
public:
    VirtioConsoleTest()
        : device({{.id = 1, .name = "uniscope.control", .host_connected = true},
                  {.id = 2, .name = "org.qemu.guest_agent.0", .host_connected = true},
                  {.id = 3, .name = "uniscope.crash", .host_connected = true},
                  {.id = 4, .name = "uniscope.trace"}}) {
        machine.attach_memory(mmio_address, 512, registers);
        device.raise = [this] { machine.raise(5); };
    }
    base::Result<> start() {
        TRY(transport.open(machine, {mmio_address, 512, 5}));
        return console.start();
    }
    void SetUp() override { ASSERT_TRUE(start()); }
    std::string read_all(ConsolePort& port) {
        std::string text(5000, '\0');
        text.resize(port.read(std::as_writable_bytes(std::span(text))));
        return text;
    }

    FakeMachine machine;
    FakeSerialDevice device;
    FakeVirtioMmio registers{device};
    VirtioMmio transport;
    VirtioConsole console{machine, transport, "uniscope."};
};

TEST_F(VirtioConsoleTest, OpensThePortsItWantsAndNoOther) {
    ASSERT_NE(console.port("uniscope.control"), nullptr);
    EXPECT_NE(console.port("uniscope.crash"), nullptr);
    EXPECT_NE(console.port("uniscope.trace"), nullptr);
    EXPECT_EQ(console.port("org.qemu.guest_agent.0"), nullptr);
    EXPECT_TRUE(device.port(1).guest_connected);
    EXPECT_FALSE(device.port(2).guest_connected);
    EXPECT_TRUE(console.port("uniscope.control")->is_host_connected());
    EXPECT_FALSE(console.port("uniscope.trace")->is_host_connected());
    EXPECT_FALSE(console.needs_polling());
    EXPECT_EQ(console.malformed_messages(), 0u);
}

TEST_F(VirtioConsoleTest, CopyingWritesArriveInOrder) {
    auto* port = console.port("uniscope.control");
    std::string sent;
    for (int i = 0; i < 500; ++i) {
        std::string text(static_cast<size_t>(i * 37 % 9000 + 1), static_cast<char>('a' + i % 26));
        auto count = port->write_some(bytes_of(text));
        ASSERT_TRUE(count);
        sent += text.substr(0, *count);
    }
    EXPECT_EQ(device.port(1).received, sent);
}

TEST_F(VirtioConsoleTest, AHostThatDoesNotReadMakesWritesAgain) {
    auto* port = console.port("uniscope.control");
    unsigned events = 0;
    port->set_event_handler([](void* count) { ++*static_cast<unsigned*>(count); }, &events);
    device.port(1).throttled = true;
    std::string text(20'000, 'x');
    EXPECT_EQ(port->write_some(bytes_of(text)), 4u * 4096);
    EXPECT_EQ(port->write_some(bytes_of("y")), base::fail(base::Error::Again));
    device.unthrottle(1);
    EXPECT_EQ(events, 1u);
    EXPECT_EQ(port->write_some(bytes_of("y")), 1u);
    EXPECT_EQ(device.port(1).received.size(), 4u * 4096 + 1);
}

TEST_F(VirtioConsoleTest, WithoutAHostNothingIsSent) {
    auto* port = console.port("uniscope.trace");
    EXPECT_EQ(port->write_some(bytes_of("x")), base::fail(base::Error::BrokenPipe));
    EXPECT_EQ(port->polled_write(bytes_of("x"), 10), base::fail(base::Error::BrokenPipe));
    unsigned events = 0;
    port->set_event_handler([](void* count) { ++*static_cast<unsigned*>(count); }, &events);
    uint32_t before = port->connection();
    device.connect(4, true);
    EXPECT_EQ(events, 1u);
    EXPECT_EQ(port->connection(), before + 1);
    EXPECT_EQ(port->write_some(bytes_of("x")), 1u);
    device.connect(4, false);
    EXPECT_EQ(port->write_some(bytes_of("x")), base::fail(base::Error::BrokenPipe));
    EXPECT_EQ(device.port(4).received, "x");
}

TEST_F(VirtioConsoleTest, PagesAreSentWithoutCopyingAndCompleteOnce) {
    auto* port = console.port("uniscope.control");
    auto page = *machine.allocate_zeroed_page();
    std::memset(machine.to_pointer(page), 'p', 4096);
    unsigned done = 0;
    auto count_done = [](void* count) { ++*static_cast<unsigned*>(count); };
    device.port(1).throttled = true;
    for (unsigned i = 0; i < 64; ++i)
        ASSERT_TRUE(port->write_pages(page, 100, count_done, &done));
    EXPECT_EQ(port->write_pages(page, 100, count_done, &done), base::fail(base::Error::Again));
    EXPECT_EQ(done, 0u);
    device.unthrottle(1);
    EXPECT_EQ(done, 64u);
    EXPECT_EQ(device.port(1).received, std::string(6400, 'p'));
    // A callback may write again: nothing is locked.
    struct Again {
        ConsolePort* port;
        PhysicalAddress page;
        unsigned left = 3;
        static void run(void* context) {
            auto* self = static_cast<Again*>(context);
            if (self->left-- > 0) {
                EXPECT_TRUE(self->port->write_pages(self->page, 1, run, self));
            }
        }
    } again{port, page};
    ASSERT_TRUE(port->write_pages(page, 1, Again::run, &again));
    while (again.left + 1 != 0)
        device.interrupt();
}

TEST_F(VirtioConsoleTest, ReceivesInPiecesAndGivesBuffersBack) {
    auto* port = console.port("uniscope.control");
    std::string sent, received;
    for (int i = 0; i < 300; ++i) {
        std::string text(static_cast<size_t>(i * 71 % 4096 + 1), static_cast<char>('a' + i % 26));
        while (!device.host_writes(1, text)) {
            std::byte some[700];
            size_t count = port->read(some);
            ASSERT_GT(count, 0u);
            received.append(reinterpret_cast<char*>(some), count);
        }
        sent += text;
    }
    received += read_all(*port);
    EXPECT_EQ(received, sent);
    EXPECT_EQ(read_all(*port), "");
}

TEST_F(VirtioConsoleTest, PolledWritesWorkWhileEverythingElseIsHeld) {
    auto* crash = console.port("uniscope.crash");
    auto* control = console.port("uniscope.control");
    device.raise = nullptr; // nobody takes interrupts
    device.port(1).throttled = true;
    ASSERT_TRUE(control->write_some(bytes_of("in flight")));
    std::string text(100'000, 'c');
    ASSERT_TRUE(crash->polled_write(bytes_of(text), 100));
    auto page = *machine.allocate_zeroed_page();
    std::memset(machine.to_pointer(page), 'm', 4096);
    for (int i = 0; i < 200; ++i)
        ASSERT_TRUE(crash->polled_write_pages(page, 4096, 100));
    ASSERT_TRUE(crash->polled_flush(100));
    EXPECT_EQ(device.port(3).received, text + std::string(size_t{200} * 4096, 'm'));
}

TEST_F(VirtioConsoleTest, PolledWriteGivesUpOnAHostThatDoesNotRead) {
    auto* crash = console.port("uniscope.crash");
    device.port(3).throttled = true;
    std::string text(20'000, 'c');
    EXPECT_EQ(crash->polled_write(bytes_of(text), 5), base::fail(base::Error::TimedOut));
    EXPECT_EQ(crash->polled_flush(5), base::fail(base::Error::TimedOut));
    device.unthrottle(3);
    EXPECT_TRUE(crash->polled_flush(5));
    EXPECT_TRUE(crash->polled_write(bytes_of("on"), 5));
}

TEST_F(VirtioConsoleTest, PolledUseOfAPortWithCallbacksIsRefused) {
    auto* port = console.port("uniscope.control");
    device.port(1).throttled = true;
    auto page = *machine.allocate_zeroed_page();
    ASSERT_TRUE(port->write_pages(page, 1, [](void*) {}, nullptr));
    EXPECT_EQ(port->polled_write(bytes_of("x"), 5), base::fail(base::Error::Busy));
}

TEST_F(VirtioConsoleTest, AHostThatConnectsToAStoppedWorldIsSeen) {
    auto* trace = console.port("uniscope.trace");
    device.raise = nullptr;
    device.connect(4, true);
    EXPECT_FALSE(trace->is_host_connected());
    console.poll_stopped();
    EXPECT_TRUE(trace->is_host_connected());
    EXPECT_TRUE(trace->polled_write(bytes_of("late"), 10));
    EXPECT_TRUE(trace->polled_flush(10));
    EXPECT_EQ(device.port(4).received, "late");
}

TEST_F(VirtioConsoleTest, PolledReadTakesWhatIsThere) {
    auto* port = console.port("uniscope.control");
    device.host_writes(1, "ack");
    std::byte buffer[10];
    EXPECT_EQ(port->polled_read(buffer), 3u);
    EXPECT_EQ(port->polled_read(buffer), 0u);
}

TEST_F(VirtioConsoleTest, PortsComeAndGo) {
    auto* port = console.port("uniscope.control");
    device.send_control(1, 2, 0);
    device.interrupt();
    EXPECT_EQ(console.port("uniscope.control"), nullptr);
    EXPECT_EQ(port->write_some(bytes_of("x")), base::fail(base::Error::BrokenPipe));
    device.ports.push_back({.id = 5, .name = "uniscope.late", .host_connected = true});
    device.send_control(5, 1, 1);
    device.interrupt();
    ASSERT_NE(console.port("uniscope.late"), nullptr);
    EXPECT_EQ(console.port("uniscope.late")->write_some(bytes_of("hi")), 2u);
    EXPECT_EQ(device.port(5).received, "hi");
}

TEST_F(VirtioConsoleTest, MalformedControlMessagesAreCountedAndHarmless) {
    device.send_to_driver(2, "short");
    device.send_to_driver(2, "");
    device.send_control(99, 1, 1);
    device.send_control(0xffffffff, 6, 1);
    device.send_control(1, 77, 1);
    device.send_control(5, 7, 1, "uniscope.never_added");
    device.send_control(6, 1, 1);
    device.send_control(6, 7, 1, "uniscope." + std::string(111, 'n'));
    device.interrupt();
    EXPECT_EQ(console.malformed_messages(), 6u);
    EXPECT_EQ(console.port("uniscope.never_added"), nullptr);
    EXPECT_EQ(console.port("uniscope.control")->write_some(bytes_of("x")), 1u);
}

TEST_F(VirtioConsoleTest, AReceiveLengthBeyondTheBufferBreaksThatPortOnly) {
    auto buffer = device.pop(FakeSerialDevice::receive_queue(1));
    device.push(FakeSerialDevice::receive_queue(1), buffer->id, 4097);
    EXPECT_EQ(read_all(*console.port("uniscope.control")), "");
    EXPECT_TRUE(device.host_writes(3, "still"));
    EXPECT_EQ(read_all(*console.port("uniscope.crash")), "still");
}

TEST_F(VirtioConsoleTest, ATransmitLieIsAnErrorForEver) {
    auto* port = console.port("uniscope.control");
    device.push(FakeSerialDevice::transmit_queue(1), 3, 0);
    EXPECT_EQ(port->write_some(bytes_of("x")), base::fail(base::Error::Io));
    EXPECT_EQ(port->polled_write(bytes_of("x"), 5), base::fail(base::Error::Io));
}

class VirtioConsoleStartTest : public VirtioConsoleTest {
    void SetUp() override {}
};

TEST_F(VirtioConsoleStartTest, ADeviceWithoutPortsIsRefused) {
    device.features &= ~uint64_t{2};
    EXPECT_EQ(start(), base::fail(base::Error::NotSupported));
    EXPECT_EQ(device.status, 128);
}

TEST_F(VirtioConsoleStartTest, ASlowDeviceIsFinishedByInterrupts) {
    device.answers_control = false;
    ASSERT_TRUE(start());
    EXPECT_EQ(console.port("uniscope.control"), nullptr);
    device.answers_control = true;
    for (int i = 0; i < 3; ++i) {
        device.on_notify(3);
        device.interrupt();
    }
    EXPECT_NE(console.port("uniscope.control"), nullptr);
}

TEST_F(VirtioConsoleStartTest, NoMemoryIsAnError) {
    machine.pages_left = 7;
    EXPECT_EQ(start(), base::fail(base::Error::NoMemory));
    EXPECT_EQ(device.status, 128) << "the device must not go on using the rings";
}

TEST_F(VirtioConsoleStartTest, MorePortsThanCanBeUsedAreIgnored) {
    device.ports.push_back({.id = 20, .name = "uniscope.far"});
    ASSERT_TRUE(start());
    EXPECT_EQ(console.port("uniscope.far"), nullptr);
    EXPECT_NE(console.port("uniscope.control"), nullptr);
    EXPECT_EQ(machine.lines.size(), 1u);
}

} // namespace
} // namespace drivers::test
