#include "tracer/vsock/DeviceQueue.h"

#include "tests/unit/tracer/vsock/FakeGuest.h"

#include <gtest/gtest.h>

using namespace tracer::vsock;
using test::DriverRing;
using test::FakeGuest;
using tracer::Result;

namespace {

constexpr uint16_t next_flag = 1;
constexpr uint16_t write_flag = 2;
constexpr uint16_t indirect_flag = 4;
constexpr uint64_t buffer = FakeGuest::guest_base + 0x10'0000;

class DeviceQueueTest : public testing::Test {
protected:
    DeviceQueueTest() {
        std::vector<MemoryCommand::Entry> entries;
        entries.push_back({m_guest.region(), m_guest.file()});
        m_memory = std::move(*MemoryTable::create(entries));
    }

    void start(bool event_index, bool indirect = true, uint16_t next_available = 0) {
        const auto started = m_queue.start(m_memory, {.addresses = FakeGuest::ring_addresses(0),
                                                      .size = DriverRing::size,
                                                      .next_available = next_available,
                                                      .event_index = event_index,
                                                      .indirect = indirect});
        ASSERT_TRUE(started) << started.error().message;
    }
    bool pops() {
        const auto popped = m_queue.pop(m_chain);
        return popped && *popped;
    }
    /// The guest breaks a rule: the queue says so once, and then is silent.
    void expect_broken(std::string_view why) {
        const auto popped = m_queue.pop(m_chain);
        ASSERT_FALSE(popped) << why;
        EXPECT_NE(popped.error().message.find(why), std::string::npos) << popped.error().message;
        EXPECT_FALSE(m_queue.is_running());
        EXPECT_FALSE(pops());
        EXPECT_FALSE(m_queue.needs_call());
        EXPECT_FALSE(m_queue.enable_kicks());
        const uint16_t used = ring().used_index();
        m_queue.push(0, 0);
        EXPECT_EQ(ring().used_index(), used) << "a broken queue touches nothing";
    }
    DriverRing& ring() { return m_guest.rx; }

    FakeGuest m_guest;
    MemoryTable m_memory;
    DeviceQueue m_queue;
    DeviceQueue::Chain m_chain;
};

} // namespace

TEST_F(DeviceQueueTest, TakesChainsInOrderAndGivesThemBack) {
    start(false);
    EXPECT_FALSE(pops());
    ring().descriptor(5, buffer, 10, next_flag, 9);
    ring().descriptor(9, buffer + 100, 20, next_flag, 7);
    ring().descriptor(7, buffer + 200, 30, write_flag, 0);
    ring().descriptor(3, buffer + 300, 40, write_flag, 0);
    ring().make_available(5);
    ring().make_available(3);
    ASSERT_TRUE(pops());
    EXPECT_EQ(m_chain.head, 5);
    EXPECT_EQ(m_chain.readable_size, 30u);
    EXPECT_EQ(m_chain.writable_size, 30u);
    ASSERT_EQ(m_chain.readable().size(), 2u);
    EXPECT_EQ(m_chain.readable()[1].iov_base, m_memory.guest(buffer + 100, 20));
    ASSERT_TRUE(pops());
    EXPECT_EQ(m_chain.head, 3);
    EXPECT_TRUE(m_chain.readable().empty());
    EXPECT_FALSE(pops());
    m_queue.push(3, 40);
    m_queue.push(5, 7);
    ASSERT_TRUE(ring().has_used());
    EXPECT_EQ(ring().take_used().head, 3u);
    const auto used = ring().take_used();
    EXPECT_EQ(used.head, 5u);
    EXPECT_EQ(used.written, 7u);
    EXPECT_FALSE(ring().has_used());
}

TEST_F(DeviceQueueTest, WhatIsPutBackComesAgain) {
    start(false);
    m_guest.post(3);
    ASSERT_TRUE(pops() && pops() && pops());
    m_queue.unpop(2);
    EXPECT_EQ(m_queue.next_available(), 1);
    ASSERT_TRUE(pops());
    EXPECT_EQ(m_chain.head, 2);
}

TEST_F(DeviceQueueTest, IndexesWrapAround) {
    // Both sides go on near the end of 16 bits, as after a pause of the machine.
    ring().set_available_index(0xfffe);
    start(true, true, 0xfffe);
    for (int i = 0; i < 5; ++i) {
        ring().descriptor(static_cast<uint16_t>(i), buffer, 1, write_flag, 0);
        ring().make_available(static_cast<uint16_t>(i));
        ASSERT_TRUE(pops());
        EXPECT_EQ(m_chain.head, i);
        m_queue.push(m_chain.head, 1);
    }
    EXPECT_EQ(m_queue.next_available(), 3);
    EXPECT_EQ(ring().used_index(), 5);
}

TEST_F(DeviceQueueTest, IndirectTables) {
    start(false);
    DriverRing table(m_guest.at(buffer));
    table.descriptor(0, buffer + 0x1000, 44, next_flag, 2);
    table.descriptor(2, buffer + 0x2000, 100, next_flag | write_flag, 1);
    table.descriptor(1, buffer + 0x3000, 100, write_flag, 77);
    ring().descriptor(0, buffer, 3 * 16, indirect_flag, 0);
    ring().make_available(0);
    ASSERT_TRUE(pops());
    EXPECT_EQ(m_chain.readable_size, 44u);
    EXPECT_EQ(m_chain.writable_size, 200u);
    // Plain ones may stand before it.
    ring().descriptor(4, buffer + 0x4000, 5, next_flag, 0);
    ring().make_available(4);
    ASSERT_TRUE(pops());
    EXPECT_EQ(m_chain.readable_size, 49u);
}

TEST_F(DeviceQueueTest, MoreBuffersThanTheQueueHas) {
    start(false);
    ring().set_available_index(DriverRing::size + 1);
    expect_broken("129 buffers wait in a queue of 128");
}

TEST_F(DeviceQueueTest, HeadBeyondTheTable) {
    start(false);
    ring().make_available(DriverRing::size);
    expect_broken("descriptor 128");
}

TEST_F(DeviceQueueTest, NextBeyondTheTable) {
    start(false);
    ring().descriptor(0, buffer, 1, next_flag, 0xffff);
    ring().make_available(0);
    expect_broken("descriptor 65535");
}

TEST_F(DeviceQueueTest, ALoop) {
    start(false);
    ring().descriptor(0, buffer, 1, next_flag, 1);
    ring().descriptor(1, buffer, 1, next_flag, 0);
    ring().make_available(0);
    expect_broken("longer than its queue");
}

TEST_F(DeviceQueueTest, AChainAsLongAsTheQueueIsFine) {
    start(false);
    for (uint16_t i = 0; i < DriverRing::size; ++i)
        ring().descriptor(i, buffer + i, 1, i + 1 < DriverRing::size ? next_flag : 0, static_cast<uint16_t>(i + 1));
    ring().make_available(0);
    ASSERT_TRUE(pops());
    EXPECT_EQ(m_chain.readable_size, DriverRing::size);
}

TEST_F(DeviceQueueTest, BuffersOutsideOfMemory) {
    const struct {
        uint64_t address;
        uint32_t length;
    } ranges[] = {{0, 1},
                  {FakeGuest::guest_base - 1, 2},
                  {FakeGuest::guest_base + FakeGuest::memory_size - 1, 2},
                  {FakeGuest::user_base, 1},
                  {FakeGuest::guest_base, 0xffffffff},
                  {UINT64_MAX, 0xffffffff},
                  {UINT64_MAX - 10, 20}};
    for (const auto& range : ranges) {
        ring().restart();
        start(false);
        ring().descriptor(0, range.address, range.length, 0, 0);
        ring().make_available(0);
        expect_broken("do not lie in its memory");
    }
}

TEST_F(DeviceQueueTest, ReadableBehindWritable) {
    start(false);
    ring().descriptor(0, buffer, 1, write_flag | next_flag, 1);
    ring().descriptor(1, buffer, 1, 0, 0);
    ring().make_available(0);
    expect_broken("comes after");
}

TEST_F(DeviceQueueTest, BadIndirectTables) {
    DriverRing table(m_guest.at(buffer));
    const auto try_table = [&](uint64_t address, uint32_t length, uint16_t flags, std::string_view why,
                               bool negotiated = true) {
        ring().restart();
        start(false, negotiated);
        ring().descriptor(0, address, length, flags, 1);
        ring().descriptor(1, buffer, 1, 0, 0);
        ring().make_available(0);
        expect_broken(why);
    };
    table.descriptor(0, buffer + 0x1000, 16, 0, 0);
    try_table(buffer, 16, indirect_flag, "where none may be", false);
    try_table(buffer, 16, indirect_flag | next_flag, "has a next one");
    try_table(buffer, 0, indirect_flag, "table of 0 bytes");
    try_table(buffer, 17, indirect_flag, "table of 17 bytes");
    try_table(buffer + 4, 16, indirect_flag, "table at");
    try_table(FakeGuest::guest_base + FakeGuest::memory_size - 16, 32, indirect_flag, "table at");
    try_table(UINT64_MAX - 15, 0xfffffff0, indirect_flag, "table at");
    table.descriptor(0, buffer, 16, indirect_flag, 0);
    try_table(buffer, 16, indirect_flag, "where none may be");
    table.descriptor(0, buffer + 0x1000, 1, next_flag, 1);
    try_table(buffer, 16, indirect_flag, "descriptor 1 is beyond the 1");
    table.descriptor(0, buffer + 0x1000, 1, next_flag, 0);
    try_table(buffer, 16, indirect_flag, "longer than its queue");
}

TEST_F(DeviceQueueTest, RingsMustLieInMemoryAndBeAligned) {
    const auto start_at = [&](RingAddresses addresses, uint32_t size = DriverRing::size) {
        return m_queue.start(m_memory, {.addresses = addresses, .size = size, .event_index = true}).has_value();
    };
    const RingAddresses good = FakeGuest::ring_addresses(0);
    EXPECT_TRUE(start_at(good));
    EXPECT_FALSE(start_at(good, 0));
    const uint64_t end = FakeGuest::user_base + FakeGuest::memory_size;
    for (uint64_t RingAddresses::* part :
         {&RingAddresses::descriptors, &RingAddresses::used, &RingAddresses::available}) {
        RingAddresses bad = good;
        for (const uint64_t address : {uint64_t{0}, UINT64_MAX, end - 16, FakeGuest::guest_base, good.*part + 1}) {
            bad.*part = address;
            EXPECT_FALSE(start_at(bad)) << address;
            EXPECT_FALSE(m_queue.is_running());
        }
    }
    // With the event index each ring is two bytes longer.
    const uint64_t available_size = 4 + 2 * DriverRing::size;
    EXPECT_FALSE(start_at({good.descriptors, good.used, end - available_size}));
    EXPECT_TRUE(start_at({good.descriptors, good.used, end - available_size - 2}));
    const uint64_t used_size = 4 + 8 * DriverRing::size;
    EXPECT_FALSE(start_at({good.descriptors, end - used_size, good.available}));
    EXPECT_TRUE(start_at({good.descriptors, end - used_size - 4, good.available}));
}

TEST_F(DeviceQueueTest, ANewMemoryTableIsTakenOrStopsTheQueue) {
    start(false);
    m_guest.post(2);
    ASSERT_TRUE(pops());
    std::vector<MemoryCommand::Entry> entries;
    entries.push_back({m_guest.region(), m_guest.file()});
    MemoryTable again = std::move(*MemoryTable::create(entries));
    m_memory = MemoryTable();
    ASSERT_TRUE(m_queue.remap(again));
    ASSERT_TRUE(pops());
    EXPECT_EQ(m_chain.writable()[0].iov_base, again.guest(FakeGuest::rx_address(1), 44));
    MemoryTable empty;
    EXPECT_FALSE(m_queue.remap(empty));
    EXPECT_FALSE(m_queue.is_running());
}

TEST_F(DeviceQueueTest, NotificationsByFlags) {
    start(false);
    m_guest.post(4);
    ASSERT_TRUE(pops());
    m_queue.push(m_chain.head, 0);
    EXPECT_TRUE(m_queue.needs_call());
    ring().set_available_flags(1);
    EXPECT_FALSE(m_queue.needs_call());
    m_queue.disable_kicks();
    EXPECT_EQ(ring().used_flags(), 1);
    EXPECT_TRUE(m_queue.enable_kicks()) << "three buffers wait";
    EXPECT_EQ(ring().used_flags(), 0);
    ASSERT_TRUE(pops() && pops() && pops());
    EXPECT_FALSE(m_queue.enable_kicks());
}

TEST_F(DeviceQueueTest, NotificationsByEventIndex) {
    start(true);
    m_guest.post(8);
    const auto use = [&] {
        ASSERT_TRUE(pops());
        m_queue.push(m_chain.head, 0);
    };
    use();
    EXPECT_TRUE(m_queue.needs_call()) << "the first is always told";
    ring().set_used_event(3);
    use();
    use();
    EXPECT_FALSE(m_queue.needs_call()) << "entry 3 is not used yet";
    use();
    EXPECT_TRUE(m_queue.needs_call());
    EXPECT_FALSE(m_queue.needs_call()) << "once";
    ring().set_used_event(4);
    use();
    use();
    EXPECT_TRUE(m_queue.needs_call()) << "4 was passed on the way";
    m_queue.forget_calls();
    EXPECT_TRUE(m_queue.needs_call());
    EXPECT_TRUE(m_queue.enable_kicks()) << "two buffers wait";
    ASSERT_TRUE(pops() && pops());
    EXPECT_FALSE(m_queue.enable_kicks());
    EXPECT_EQ(ring().available_event(), 8) << "kick at the next";
}
