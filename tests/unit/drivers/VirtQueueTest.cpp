#include "libos/drivers/VirtQueue.h"
#include "tests/unit/drivers/FakeVirtio.h"

#include <gtest/gtest.h>

#include <random>

namespace drivers::test {
namespace {

class PlainDevice final : public FakeVirtioDevice {};

class VirtQueueTest : public testing::Test {
public:
    VirtQueueTest() { start(8); }

    void start(uint16_t size) {
        queue.release(machine);
        ASSERT_TRUE(queue.allocate(machine, size));
        device.queues = {{.size = size,
                          .descriptors = queue.descriptor_address(),
                          .driver = queue.driver_address(),
                          .device = queue.device_address(),
                          .enabled = true}};
    }
    base::Result<uint16_t> add(uint32_t readable, uint32_t writable) {
        std::vector<BufferSegment> segments;
        if (readable != 0)
            segments.push_back({memory, readable, false});
        if (writable != 0)
            segments.push_back({memory + readable, writable, true});
        return queue.add(segments);
    }

    FakeMachine machine;
    PlainDevice device;
    VirtQueue queue;
    PhysicalAddress memory = *machine.allocate_zeroed_page();
};

TEST_F(VirtQueueTest, RefusesSizesThatAreNone) {
    VirtQueue other;
    EXPECT_FALSE(other.allocate(machine, 0));
    EXPECT_FALSE(other.allocate(machine, 12));
    EXPECT_FALSE(other.allocate(machine, 256));
    EXPECT_TRUE(other.allocate(machine, VirtQueue::max_size));
    EXPECT_EQ(other.descriptor_address() % 16, 0u);
    EXPECT_EQ(other.device_address() % 4, 0u);
    machine.pages_left = 0;
    VirtQueue third;
    EXPECT_EQ(third.allocate(machine, 8), base::fail(base::Error::NoMemory));
}

TEST_F(VirtQueueTest, ABufferGoesAndComesBack) {
    auto id = add(100, 200);
    ASSERT_TRUE(id);
    EXPECT_EQ(queue.free_descriptors(), 6);
    EXPECT_FALSE(queue.has_used());
    auto buffer = device.pop(0);
    ASSERT_TRUE(buffer);
    EXPECT_EQ(buffer->readable.at(0).size(), 100u);
    EXPECT_EQ(buffer->writable.at(0).size(), 200u);
    device.push(0, buffer->id, 150);
    EXPECT_TRUE(queue.has_used());
    auto completion = queue.take_used();
    ASSERT_TRUE(completion);
    EXPECT_EQ(completion->buffer, *id);
    EXPECT_EQ(completion->written, 150u);
    EXPECT_EQ(queue.free_descriptors(), 8);
    EXPECT_EQ(queue.in_flight(), 0);
    EXPECT_FALSE(queue.take_used());
}

TEST_F(VirtQueueTest, FullIsAgain) {
    for (int i = 0; i < 4; ++i)
        ASSERT_TRUE(add(8, 8));
    EXPECT_EQ(add(8, 0), base::fail(base::Error::Again));
    EXPECT_EQ(queue.add({}), base::fail(base::Error::Invalid));
}

TEST_F(VirtQueueTest, IndicesWrapAndOrderIsTheDevices) {
    std::mt19937 random(1);
    std::vector<uint16_t> with_device;
    unsigned outstanding = 0;
    // Past 65536, where the shared indices wrap.
    for (unsigned done = 0; done < 70'000;) {
        while (add(16, random() % 2 * 16))
            ++outstanding;
        while (auto buffer = device.pop(0))
            with_device.push_back(buffer->id);
        ASSERT_EQ(with_device.size(), outstanding);
        size_t pick = random() % with_device.size();
        device.push(0, with_device[pick], 0);
        auto completion = queue.take_used();
        ASSERT_TRUE(completion);
        ASSERT_EQ(completion->buffer, with_device[pick]);
        with_device.erase(with_device.begin() + static_cast<long>(pick));
        --outstanding;
        ++done;
    }
    EXPECT_FALSE(queue.is_broken());
}

TEST_F(VirtQueueTest, HintsAreHonoured) {
    EXPECT_TRUE(queue.needs_notification());
    device.set_no_notify(0, true);
    EXPECT_FALSE(queue.needs_notification());
    EXPECT_FALSE(queue.set_interrupts(false));
    EXPECT_FALSE(device.interrupts_wanted(0));
    ASSERT_TRUE(add(8, 0));
    device.push(0, device.pop(0)->id, 0);
    EXPECT_TRUE(queue.set_interrupts(true)) << "what came back while interrupts were off must not be forgotten";
    EXPECT_TRUE(device.interrupts_wanted(0));
}

class VirtQueueEventTest : public VirtQueueTest {
public:
    VirtQueueEventTest() { queue.use_event_index(); }
    void give_back(unsigned count) {
        for (unsigned i = 0; i < count; ++i)
            device.push(0, device.pop(0)->id, 0);
    }
    /// Whether a device that gave back `count` buffers since it looked last would interrupt (2.7.10).
    bool would_interrupt(uint16_t count) {
        auto now = device.queues[0].used;
        auto event = device.wanted_interrupt(0);
        return static_cast<uint16_t>(now - event - 1) < count;
    }
};

TEST_F(VirtQueueEventTest, NotifiesWhenTheDeviceGetsThere) {
    ASSERT_TRUE(add(8, 0));
    EXPECT_TRUE(queue.needs_notification()) << "a device waits for its first buffer";
    EXPECT_FALSE(queue.needs_notification()) << "it has been told";
    ASSERT_TRUE(add(8, 0));
    EXPECT_FALSE(queue.needs_notification()) << "it is busy with the first";
    device.wanted_notification(0) = 3; // tell me when a fourth is there
    ASSERT_TRUE(add(8, 0));
    EXPECT_FALSE(queue.needs_notification());
    ASSERT_TRUE(add(8, 0));
    ASSERT_TRUE(add(8, 0));
    EXPECT_TRUE(queue.needs_notification()) << "two at once, one of which is the fourth";
    device.set_no_notify(0, true);
    device.wanted_notification(0) = 5;
    ASSERT_TRUE(add(8, 0));
    EXPECT_TRUE(queue.needs_notification()) << "the flags mean nothing with event indices";
}

TEST_F(VirtQueueEventTest, InterruptsComeAtTheIndex) {
    for (int i = 0; i < 6; ++i)
        ASSERT_TRUE(add(8, 0));
    EXPECT_FALSE(queue.set_interrupts(true));
    give_back(1);
    EXPECT_TRUE(would_interrupt(1));
    ASSERT_TRUE(queue.take_used());
    EXPECT_FALSE(queue.set_interrupts(false));
    give_back(1);
    EXPECT_FALSE(would_interrupt(1));
    EXPECT_TRUE(queue.set_interrupts(true)) << "one came meanwhile";
    ASSERT_TRUE(queue.take_used());
    EXPECT_FALSE(queue.set_interrupts(true, 2)) << "only when a third is back";
    give_back(2);
    EXPECT_FALSE(would_interrupt(2));
    EXPECT_FALSE(queue.set_interrupts(true, 2));
    give_back(1);
    EXPECT_TRUE(would_interrupt(1));
    EXPECT_TRUE(queue.set_interrupts(true, 2));
}

TEST_F(VirtQueueEventTest, IndicesWrap) {
    unsigned told = 0;
    unsigned interrupts = 0;
    for (unsigned done = 0; done < 70'000; ++done) {
        ASSERT_TRUE(add(8, 0));
        told += queue.needs_notification() ? 1 : 0;
        auto buffer = device.pop(0);
        device.wanted_notification(0) = device.queues[0].next_available;
        ASSERT_FALSE(queue.set_interrupts(true));
        device.push(0, buffer->id, 0);
        interrupts += would_interrupt(1) ? 1 : 0;
        ASSERT_TRUE(queue.take_used());
    }
    EXPECT_EQ(told, 70'000u);
    EXPECT_EQ(interrupts, 70'000u);
}

/// Each lie breaks the queue for good, before anything is touched.
struct Lie {
    const char* name;
    void (*tell)(FakeVirtioDevice&, uint16_t id);
};
class VirtQueueLieTest : public VirtQueueTest, public testing::WithParamInterface<Lie> {};

TEST_P(VirtQueueLieTest, BreaksTheQueue) {
    auto id = add(0, 100);
    ASSERT_TRUE(id);
    ASSERT_TRUE(add(32, 0));
    GetParam().tell(device, *id);
    while (queue.take_used())
        ;
    EXPECT_TRUE(queue.is_broken());
    EXPECT_EQ(add(8, 0), base::fail(base::Error::Io));
    EXPECT_FALSE(queue.take_used());
    EXPECT_FALSE(queue.has_used());
    EXPECT_FALSE(queue.needs_notification());
}

INSTANTIATE_TEST_SUITE_P(
    Device, VirtQueueLieTest,
    testing::Values(Lie{"IdOutOfRange", [](FakeVirtioDevice& device, uint16_t) { device.push(0, 8, 0); }},
                    Lie{"IdHuge", [](FakeVirtioDevice& device, uint16_t) { device.push(0, 0xffffffff, 0); }},
                    Lie{"IdNotInFlight", [](FakeVirtioDevice& device, uint16_t) { device.push(0, 7, 0); }},
                    Lie{"IdTwice",
                        [](FakeVirtioDevice& device, uint16_t id) {
                            device.push(0, id, 0);
                            device.push(0, id, 0);
                        }},
                    Lie{"LengthOverBuffer", [](FakeVirtioDevice& device, uint16_t id) { device.push(0, id, 101); }},
                    Lie{"IndexJumpsAhead", [](FakeVirtioDevice& device, uint16_t) { device.jump_used_index(0, 3); }},
                    Lie{"IndexGoesBack",
                        [](FakeVirtioDevice& device, uint16_t) { device.jump_used_index(0, 0xffff); }}),
    [](auto& info) { return std::string(info.param.name); });

TEST_F(VirtQueueTest, ADeviceThatScribblesOverDescriptorsHarmsOnlyItself) {
    ASSERT_TRUE(add(8, 8));
    auto buffer = device.pop(0);
    std::memset(reinterpret_cast<void*>(queue.descriptor_address()), 0xff, size_t{8} * 16);
    device.push(0, buffer->id, 8);
    EXPECT_TRUE(queue.take_used());
    EXPECT_EQ(queue.free_descriptors(), 8);
    ASSERT_TRUE(add(8, 8));
    EXPECT_EQ(device.pop(0)->writable.at(0).size(), 8u);
}

TEST_F(VirtQueueTest, LengthOfAReadOnlyBufferMeansNothing) {
    ASSERT_TRUE(add(32, 0));
    device.push(0, device.pop(0)->id, 32);
    auto completion = queue.take_used();
    ASSERT_TRUE(completion);
    EXPECT_EQ(completion->written, 0u);
}

} // namespace
} // namespace drivers::test
