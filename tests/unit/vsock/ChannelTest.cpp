// A byte channel over a connection of the host.
#include "Peer.h"

#include "libos/vsock/Channel.h"

namespace vsock::test {
namespace {

using base::Error;
using base::fail;

class ChannelTest : public VsockTest {
public:
    static constexpr uint32_t port = 6602;

    static constexpr size_t bounce_pages = 8;

    ChannelTest() {
        permanent += bounce_pages;
        EXPECT_TRUE(channel.open());
        channel.set_event_handler([](void* self) { ++static_cast<ChannelTest*>(self)->events; }, this);
    }
    ~ChannelTest() override {
        // The channel goes before the engine does.
        peer.set_event_handler(nullptr, nullptr);
    }

    void connect(uint32_t from = 9) {
        peer.say(Request, from, port);
        auto answer = peer.hear_one();
        EXPECT_EQ(answer.operation(), Response);
        EXPECT_EQ(answer.header.buffer_size, Channel::receive_size) << "a channel reads from the start";
    }
    base::Result<size_t> write(std::string_view text) { return channel.write_some(std::as_bytes(std::span(text))); }
    std::string read(size_t limit = 100'000) {
        std::string text(limit, '\0');
        text.resize(channel.read(std::as_writable_bytes(std::span(text))));
        return text;
    }
    std::string heard_bytes() {
        std::string text;
        for (auto& heard : peer.hear())
            text += heard.payload;
        return text;
    }
    base::Result<> write_pages(uint32_t length) {
        return channel.write_pages(
            memory_address(), length, [](void* self) { ++static_cast<ChannelTest*>(self)->done; }, this);
    }
    memory::PhysicalAddress memory_address() { return reinterpret_cast<memory::PhysicalAddress>(large.data()); }

    Channel channel{*engine, port, 1'000'000'000};
    unsigned events = 0;
    unsigned done = 0;
    std::string large = [] {
        std::string bytes(1 << 20, '\0');
        for (size_t i = 0; i < bytes.size(); ++i)
            bytes[i] = static_cast<char>(i * 7 + i / 251);
        return bytes;
    }();
};

TEST_F(ChannelTest, CarriesBytesBothWays) {
    EXPECT_FALSE(channel.is_host_connected());
    EXPECT_EQ(write("x"), fail(Error::BrokenPipe));
    EXPECT_EQ(read(), "");
    connect();
    EXPECT_TRUE(channel.is_host_connected());
    EXPECT_EQ(channel.connection(), 1u);
    EXPECT_EQ(events, 1u);
    peer.say(Data, 9, port, "$g#67");
    EXPECT_EQ(events, 2u);
    EXPECT_EQ(read(2), "$g");
    EXPECT_EQ(read(), "#67");
    EXPECT_EQ(*write("+$00#60"), 7u);
    EXPECT_EQ(heard_bytes(), "+$00#60");
    EXPECT_EQ(*write(""), 0u);
}

TEST_F(ChannelTest, TheHostsEndMayCloseAndComeAgain) {
    connect();
    peer.say(Data, 9, port, "last words");
    peer.say_shutdown(9, port, ShutBoth);
    peer.expect_only(Reset);
    EXPECT_FALSE(channel.is_host_connected());
    EXPECT_EQ(channel.connection(), 2u);
    EXPECT_EQ(write("x"), fail(Error::BrokenPipe));
    EXPECT_EQ(read(4), "last");
    connect(10);
    EXPECT_EQ(channel.connection(), 3u);
    EXPECT_EQ(read(), "") << "of another peer";
    peer.say(Data, 10, port, "new");
    EXPECT_EQ(read(), "new");
    peer.say(Reset, 10, port);
    peer.expect_silence();
    EXPECT_EQ(channel.connection(), 4u);
}

TEST_F(ChannelTest, AHostThatOnlyListensIsStillThere) {
    connect();
    peer.say_shutdown(9, port, ShutSend);
    EXPECT_TRUE(channel.is_host_connected());
    EXPECT_TRUE(write("x"));
}

TEST_F(ChannelTest, ASecondHostIsRefusedAndTheFirstAskedWhetherItLives) {
    connect(9);
    peer.say(Request, 10, port);
    auto heard = peer.hear();
    ASSERT_EQ(heard.size(), 2u);
    EXPECT_EQ(heard[0].operation(), Reset);
    EXPECT_EQ(heard[0].header.destination_port, 10u);
    EXPECT_EQ(heard[1].operation(), CreditRequest);
    EXPECT_EQ(heard[1].header.destination_port, 9u);
    peer.say(CreditUpdate, 9, port);
    EXPECT_TRUE(channel.is_host_connected());
    peer.say(Data, 9, port, "here");
    EXPECT_EQ(read(), "here");

    peer.say(Request, 11, port);
    EXPECT_EQ(peer.hear().size(), 2u);
    peer.say(Reset, 9, port); // a backend that was restarted
    EXPECT_FALSE(channel.is_host_connected());
    connect(11);
}

TEST_F(ChannelTest, OnlyTheHostMayConnect) {
    peer.say(Request, 9, port, {}, [](SocketPacketHeader& header) { header.source_cid = 8; });
    peer.expect_only(Reset);
    EXPECT_FALSE(channel.is_host_connected());
}

TEST_F(ChannelTest, ItsPortIsTaken) {
    EXPECT_EQ(engine->bind(port), fail(Error::AddressInUse));
}

TEST_F(ChannelTest, MoreThanFitsIsRefusedUntilThereIsRoom) {
    connect();
    peer.holds = true;
    EXPECT_EQ(*write(large), 8u * 4096);
    EXPECT_EQ(write("x"), fail(Error::Again));
    auto before = events;
    peer.give_back(1);
    EXPECT_EQ(events, before + 1);
    EXPECT_EQ(*write(large), 4096u);
    EXPECT_EQ(write("x"), fail(Error::Again));
    peer.give_back();
    EXPECT_EQ(events, before + 2);
}

TEST_F(ChannelTest, RoomThatComesBackJustThenIsSeen) {
    connect();
    peer.holds = true;
    EXPECT_EQ(*write(large), 8u * 4096);
    peer.give_back(2); // nobody waits: no interrupt
    EXPECT_EQ(*write(large), 2u * 4096);
}

TEST_F(ChannelTest, NoCreditIsAgain) {
    peer.buffer_size = 1000;
    connect();
    EXPECT_EQ(*write(large), 1000u);
    EXPECT_EQ(write("x"), fail(Error::Again));
    auto before = events;
    peer.forwarded[{9, port}] = 600;
    peer.say(CreditUpdate, 9, port);
    EXPECT_EQ(events, before + 1);
    EXPECT_EQ(*write(large), 600u);
}

TEST_F(ChannelTest, PagesGoWithoutACopyAndInOrder) {
    connect();
    peer.holds = true;
    ASSERT_TRUE(write("head"));
    ASSERT_TRUE(write_pages(150'000));
    EXPECT_EQ(*write("tail"), 4u);
    auto heard = peer.hear();
    ASSERT_EQ(heard.size(), 5u);
    EXPECT_EQ(heard[0].payload, "head");
    EXPECT_EQ(heard[1].payload.size(), 65536u);
    EXPECT_EQ(heard[1].payload + heard[2].payload + heard[3].payload, large.substr(0, 150'000));
    EXPECT_EQ(heard[4].payload, "tail");
    peer.give_back(3);
    EXPECT_EQ(done, 0u) << "its last packet is with the device";
    peer.give_back();
    EXPECT_EQ(done, 1u);
}

TEST_F(ChannelTest, PagesWaitForCreditAndHoldUpWhatComesAfterThem) {
    peer.buffer_size = 100'000;
    connect();
    ASSERT_TRUE(write_pages(1 << 20));
    EXPECT_EQ(write("tail"), fail(Error::Again));
    std::string all = heard_bytes();
    EXPECT_EQ(all.size(), 100'000u);
    EXPECT_EQ(done, 0u);
    while (all.size() < large.size()) {
        peer.forwarded[{9, port}] = static_cast<uint32_t>(all.size());
        peer.say(CreditUpdate, 9, port);
        all += heard_bytes();
    }
    EXPECT_EQ(all, large);
    peer.late_interrupts();
    EXPECT_EQ(done, 1u);
    EXPECT_EQ(*write("tail"), 4u);
}

TEST_F(ChannelTest, SeveralPageWritesAtATime) {
    connect();
    peer.holds = true;
    for (int i = 0; i < 4; ++i)
        ASSERT_TRUE(write_pages(1000));
    EXPECT_EQ(write_pages(1000), fail(Error::Again));
    auto before = events;
    peer.give_back(1);
    EXPECT_EQ(done, 1u);
    EXPECT_GT(events, before);
    EXPECT_TRUE(write_pages(1000));
    peer.give_back();
    EXPECT_EQ(done, 5u);
    EXPECT_EQ(channel.write_pages(memory_address(), 0, [](void*) {}, nullptr), fail(Error::Invalid));
}

TEST_F(ChannelTest, PagesOfAConnectionThatEndsAreGivenBackWhenTheDeviceIsDone) {
    peer.buffer_size = 100'000;
    connect();
    peer.holds = true;
    ASSERT_TRUE(write_pages(1 << 20));
    ASSERT_TRUE(write_pages(1000)) << "waits behind";
    peer.say(Reset, 9, port);
    EXPECT_EQ(done, 1u) << "the one of which the device has nothing";
    peer.hear();
    connect(10);
    peer.give_back();
    EXPECT_EQ(done, 2u);
    peer.expect_silence();
    ASSERT_TRUE(write("new"));
    EXPECT_EQ(heard_bytes(), "new");
}

TEST_F(ChannelTest, ReadingGivesCreditBack) {
    connect();
    unsigned updates = 0;
    for (int i = 0; i < 100; ++i) {
        peer.say(Data, 9, port, std::string(4096, 'x'));
        EXPECT_EQ(read().size(), 4096u);
        updates += static_cast<unsigned>(peer.hear().size());
    }
    EXPECT_EQ(updates, 50u) << "a quarter of 32 KiB at a time";
}

// --- The stopped world

TEST_F(ChannelTest, TheStoppedWorldTalksThroughAFloodAndNobodyIsTold) {
    connect();
    auto& flooded = accepted(20, 65536);
    auto seen = flooded.event.count();
    auto before = events;
    peer.interrupts = false;
    uint32_t sent = 0;
    for (int round = 0; round < 50; ++round) {
        for (int i = 0; i < 30; ++i) { // the flood, within its credit
            if (sent + 1000 <= 65536) {
                peer.say(Data, 20, 100, std::string(1000, static_cast<char>(sent / 1000)));
                sent += 1000;
            }
            peer.say(Request, static_cast<uint32_t>(1000 + i), 4444);
        }
        peer.say(Data, 9, port, "$m0,4#fd");
        std::string question;
        for (int polls = 0; polls < 10; ++polls) {
            ASSERT_TRUE(channel.poll_stopped());
            question += read();
        }
        ASSERT_EQ(question, "$m0,4#fd");
        ASSERT_TRUE(write("+$0000#80"));
        std::string answer;
        for (auto& heard : peer.hear()) {
            if (heard.header.destination_port == 9)
                answer += heard.payload;
        }
        ASSERT_EQ(answer, "+$0000#80");
    }
    EXPECT_EQ(events, before);
    EXPECT_EQ(flooded.event.count(), seen);
    engine->service(); // the world goes on
    EXPECT_GT(events, before);
    EXPECT_NE(flooded.event.count(), seen);
    auto text = VsockTest::read(flooded);
    ASSERT_EQ(text.size(), sent) << "not a byte is lost";
    for (uint32_t i = 0; i < sent; ++i)
        ASSERT_EQ(text[i], static_cast<char>(i / 1000));
}

TEST_F(ChannelTest, TheStoppedWorldTakesAConnection) {
    peer.interrupts = false;
    peer.say(Request, 9, port);
    ASSERT_TRUE(channel.poll_stopped());
    EXPECT_TRUE(channel.is_host_connected());
    peer.expect_only(Response);
    EXPECT_EQ(events, 0u);
}

TEST_F(ChannelTest, PagesThatAreDoneInAStopAreToldAfterwards) {
    connect();
    peer.holds = true;
    ASSERT_TRUE(write_pages(1000));
    peer.interrupts = false;
    peer.give_back();
    ASSERT_TRUE(channel.poll_stopped());
    EXPECT_EQ(done, 0u);
    engine->service();
    EXPECT_EQ(done, 1u);
}

TEST_F(ChannelTest, AStopInTheMiddleIsBusy) {
    connect();
    auto state = engine->lock().lock();
    EXPECT_EQ(channel.poll_stopped(), fail(Error::Busy));
    EXPECT_EQ(channel.polled_write(std::as_bytes(std::span("x")), 1), fail(Error::Busy));
    std::byte buffer[10];
    EXPECT_EQ(channel.polled_read(buffer), fail(Error::Busy));
    engine->lock().unlock(state);
}

// --- After the world has stopped for good

TEST_F(ChannelTest, PolledCallsWriteAll) {
    connect();
    peer.interrupts = false;
    EXPECT_TRUE(channel.polled_write(std::as_bytes(std::span(large).first(200'000)), 100));
    EXPECT_TRUE(channel.polled_write_pages(memory_address(), 50'000, 100));
    EXPECT_TRUE(channel.polled_flush(100));
    EXPECT_EQ(heard_bytes(), large.substr(0, 200'000) + large.substr(0, 50'000));
    peer.say(Data, 9, port, "taken");
    std::byte answer[10];
    EXPECT_EQ(*channel.polled_read(answer), 5u);
    EXPECT_EQ(*channel.polled_read(answer), 0u);
}

TEST_F(ChannelTest, PolledCallsGiveUpWhenNothingMoves) {
    peer.buffer_size = 5000;
    connect();
    EXPECT_EQ(channel.polled_write(std::as_bytes(std::span(large).first(6000)), 1), fail(Error::TimedOut));
    peer.holds = true;
    peer.forwarded[{9, port}] = 5000;
    peer.say(CreditUpdate, 9, port);
    EXPECT_TRUE(channel.polled_write(std::as_bytes(std::span(large).first(100)), 1));
    EXPECT_EQ(channel.polled_flush(1), fail(Error::TimedOut));
    peer.give_back();
    EXPECT_TRUE(channel.polled_flush(1));
    peer.say(Reset, 9, port);
    EXPECT_EQ(channel.polled_write(std::as_bytes(std::span("x")), 1), fail(Error::BrokenPipe));
}

TEST_F(ChannelTest, PolledCallsLeavePagesOfOthersAlone) {
    connect();
    peer.holds = true;
    ASSERT_TRUE(write_pages(1000));
    EXPECT_EQ(channel.polled_write(std::as_bytes(std::span("x")), 1), fail(Error::Busy));
    peer.give_back();
}

TEST_F(ChannelTest, NoMemoryIsAnError) {
    frames.left = 10;
    Channel other(*engine, 1, 1);
    EXPECT_EQ(other.open(), fail(Error::NoMemory));
    frames.left = SIZE_MAX;
    permanent += bounce_pages;
    connect(); // the other is not known to anybody
}

} // namespace
} // namespace vsock::test
