#include "libos/drivers/VirtioSocket.h"
#include "libos/drivers/VirtioMmio.h"
#include "tests/unit/drivers/FakeVsock.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>

namespace drivers::test {
namespace {

class VirtioSocketTest : public testing::Test {
public:
    static constexpr PhysicalAddress address = 0xfeb00000;

    void start(uint64_t cid = 3, uint16_t queue_size = 128) {
        device = std::make_unique<FakeVsockDevice>(cid, queue_size);
        registers = std::make_unique<FakeVirtioMmio>(*device);
        machine.attach_memory(address, 512, *registers);
        device->raise = [this] { machine.raise(5); };
        ASSERT_TRUE(transport.open(machine, {address, 512, 5}));
        socket = std::make_unique<VirtioSocket>(machine, transport);
        started = socket->start();
        socket->set_event_handler([](void* self) { ++static_cast<VirtioSocketTest*>(self)->events; }, this);
    }
    static SocketPacketHeader header(uint32_t number) {
        SocketPacketHeader header{};
        header.source_port = number;
        header.type = 1;
        return header;
    }

    FakeMachine machine;
    std::unique_ptr<FakeVsockDevice> device;
    std::unique_ptr<FakeVirtioMmio> registers;
    VirtioMmio transport;
    std::unique_ptr<VirtioSocket> socket;
    base::Result<> started;
    unsigned events = 0;
    PhysicalAddress page = *machine.allocate_zeroed_page();
};

TEST_F(VirtioSocketTest, StartsAndKnowsItsAddress) {
    start(0x1'0000'0007);
    ASSERT_TRUE(started);
    EXPECT_EQ(socket->local_cid(), 0x1'0000'0007u);
    EXPECT_FALSE(socket->needs_polling());
    EXPECT_EQ(device->accepted, uint64_t{1} << 32 | FakeVsockDevice::by_index);
    EXPECT_EQ(socket->room(), 64u);
    unsigned buffers = 0;
    while (auto buffer = device->pop(0)) {
        ++buffers;
        ASSERT_EQ(buffer->writable.size(), 2u);
        EXPECT_EQ(buffer->writable[0].size(), 44u);
        EXPECT_EQ(buffer->writable[1].size(), 4096u);
    }
    EXPECT_EQ(buffers, 64u);
}

TEST_F(VirtioSocketTest, NoMemoryIsAnError) {
    machine.pages_left = 20;
    start();
    EXPECT_EQ(started, base::fail(base::Error::NoMemory));
    EXPECT_EQ(device->status & 128, 128) << "the device is told that it has failed";
}

TEST_F(VirtioSocketTest, AQueueTooSmallForAPacketIsRefused) {
    start(3, 1);
    EXPECT_EQ(started, base::fail(base::Error::NotSupported));
}

TEST_F(VirtioSocketTest, PacketsArrive) {
    start();
    ASSERT_TRUE(started);
    EXPECT_FALSE(socket->rearm());
    // More than there are buffers, so that each is posted again.
    for (uint32_t i = 0; i < 1000; ++i) {
        std::string text(i % 4097, static_cast<char>(i));
        ASSERT_TRUE(device->deliver(header(i), text));
        auto packet = socket->receive();
        ASSERT_TRUE(packet);
        EXPECT_EQ(packet->header.source_port, i);
        ASSERT_EQ(std::string(reinterpret_cast<const char*>(packet->payload.data()), packet->payload.size()), text);
        socket->release_received();
        EXPECT_FALSE(socket->receive());
        EXPECT_FALSE(socket->rearm());
    }
    EXPECT_EQ(events, 1000u);
    EXPECT_EQ(device->interrupts, 1000u);
}

TEST_F(VirtioSocketTest, OneInterruptForManyPacketsUntilItIsRearmed) {
    start();
    EXPECT_FALSE(socket->rearm());
    for (uint32_t i = 0; i < 10; ++i)
        ASSERT_TRUE(device->deliver(header(i), "x"));
    EXPECT_EQ(events, 1u);
    while (socket->receive())
        socket->release_received();
    ASSERT_TRUE(device->deliver(header(1), "x"));
    EXPECT_EQ(events, 1u);
    EXPECT_TRUE(socket->rearm()) << "the one that came without an interrupt must not be forgotten";
}

TEST_F(VirtioSocketTest, APacketWithoutAWholeHeaderIsCountedAndItsBufferPostedAgain) {
    start();
    for (int i = 0; i < 200; ++i) {
        auto buffer = device->pop(0);
        ASSERT_TRUE(buffer);
        device->push(0, buffer->id, 43);
        EXPECT_FALSE(socket->receive());
    }
    EXPECT_EQ(socket->malformed_packets(), 200u);
    ASSERT_TRUE(device->deliver(header(7), "fine"));
    EXPECT_EQ(socket->receive()->header.source_port, 7u);
}

TEST_F(VirtioSocketTest, ALengthOverTheBufferBreaksTheDevice) {
    start();
    ASSERT_TRUE(device->deliver(header(1), std::string(4096, 'x'), 1));
    EXPECT_FALSE(socket->receive());
    EXPECT_TRUE(socket->is_broken());
    EXPECT_FALSE(socket->rearm());
}

TEST_F(VirtioSocketTest, PacketsGoAndTheirTokensComeBack) {
    start();
    auto* memory = static_cast<char*>(machine.to_pointer(page));
    std::memcpy(memory, "payload", sizeof("payload"));
    int tokens[3];
    device->holds_packets = true;
    ASSERT_TRUE(socket->send(header(1), 0, 0, &tokens[0]));
    ASSERT_TRUE(socket->send(header(2), page, 7, &tokens[1]));
    ASSERT_TRUE(socket->send(header(3), page, 3, &tokens[2]));
    EXPECT_EQ(device->sent.size(), 0u) << "nobody has told it";
    socket->notify();
    ASSERT_EQ(device->sent.size(), 3u);
    EXPECT_EQ(device->sent[0].payload, "");
    EXPECT_EQ(device->sent[1].payload, "payload");
    EXPECT_EQ(device->sent[2].payload, "pay");
    EXPECT_EQ(device->sent[2].header.source_port, 3u);
    EXPECT_FALSE(socket->take_sent());
    EXPECT_FALSE(socket->want_sent(true));
    device->give_back(device->held[1]);
    EXPECT_EQ(events, 0u);
    EXPECT_EQ(*socket->take_sent(), &tokens[1]);
    device->give_back(device->held[0]);
    EXPECT_EQ(events, 1u) << "half of them";
    EXPECT_FALSE(socket->want_sent(false));
    device->give_back(device->held[2]);
    EXPECT_EQ(events, 1u);
    EXPECT_EQ(*socket->take_sent(), &tokens[0]);
    EXPECT_TRUE(socket->want_sent(true)) << "the last is done already";
    EXPECT_EQ(*socket->take_sent(), &tokens[2]);
    EXPECT_EQ(socket->room(), 64u);
}

TEST_F(VirtioSocketTest, FullIsAgainAndHeadersAreNotMixedUp) {
    start();
    device->holds_packets = true;
    std::mt19937 random(1);
    std::map<void*, uint32_t> with_device;
    uint32_t number = 1;
    for (unsigned round = 0; round < 2000; ++round) {
        bool full = false;
        while (!full) {
            void* token = reinterpret_cast<void*>(uintptr_t{number});
            auto queued = socket->send(header(number), page, random() % 2 * 5, token);
            full = !queued;
            if (full)
                EXPECT_EQ(queued, base::fail(base::Error::Again));
            else
                with_device[token] = number++;
        }
        socket->notify();
        ASSERT_EQ(device->sent.back().header.source_port, number - 1);
        for (auto left = random() % device->held.size() + 1; left > 0; --left) {
            auto pick = device->held.begin() + static_cast<long>(random() % device->held.size());
            device->give_back(*pick);
            device->held.erase(pick);
            auto token = socket->take_sent();
            ASSERT_TRUE(token);
            ASSERT_EQ(with_device.erase(*token), 1u);
        }
    }
    EXPECT_EQ(device->sent.size(), number - 1);
    for (size_t i = 0; i < device->sent.size(); ++i)
        ASSERT_EQ(device->sent[i].header.source_port, i + 1);
}

TEST_F(VirtioSocketTest, TransportResetsAreToldAndTheAddressIsReadAgain) {
    start();
    EXPECT_FALSE(socket->take_transport_reset());
    for (uint64_t cid = 10; cid < 30; ++cid) {
        device->set_cid(cid);
        ASSERT_TRUE(device->deliver_event(0));
        EXPECT_TRUE(socket->take_transport_reset());
        EXPECT_FALSE(socket->take_transport_reset());
        EXPECT_EQ(socket->local_cid(), cid);
    }
    ASSERT_TRUE(device->deliver_event(77));
    EXPECT_FALSE(socket->take_transport_reset()) << "an event of a later standard";
}

} // namespace
} // namespace drivers::test
