// How much either side may send, and when.

#include "tests/unit/tracer/vsock/EngineFixture.h"

using namespace tracer::vsock;
using namespace tracer::vsock::test;
using tracer::FileDescriptor;
using tracer::Result;

namespace {

using CreditTest = EngineFixture;

} // namespace

TEST_F(CreditTest, OneWriteForManyPackets) {
    open();
    std::string all;
    std::vector<std::string> payloads;
    payloads.reserve(40);
    for (int i = 0; i < 40; ++i)
        payloads.push_back(pattern(1000 + static_cast<size_t>(i)));
    for (const auto& payload : payloads) {
        PacketHeader packet = header(Operation::ReadWrite);
        packet.length = static_cast<uint32_t>(payload.size());
        iovec part{const_cast<char*>(payload.data()), payload.size()};
        m_engine->receive(packet, {&part, 1});
        all += payload;
    }
    EXPECT_EQ(host_reads(), "") << "they are gathered";
    m_engine->flush();
    EXPECT_EQ(host_reads_all(all.size()), all);
}

TEST_F(CreditTest, AGuestThatKeepsItsCreditLosesNothingToASlowReader) {
    make(slow_reader);
    open();
    const std::string payload = pattern(m_credit);
    for (size_t at = 0; at < payload.size(); at += 65536)
        guest_writes(std::string_view(payload).substr(at, 65536));
    // All the credit is used, and nothing was read: a part is in the socket, the rest is held.
    EXPECT_EQ(m_engine->connection_count(), 1u);
    EXPECT_EQ(host_reads_all(payload.size()), payload);
    // And the guest hears that it has room again.
    uint32_t forwarded = 0;
    for (const auto& packet : take_after_events()) {
        EXPECT_TRUE(packet.header.is(Operation::CreditUpdate));
        forwarded = packet.header.forwarded;
    }
    EXPECT_GT(forwarded, payload.size() - m_credit / 4 - 1);
    guest_writes(payload.substr(0, 65536));
    EXPECT_EQ(m_engine->connection_count(), 1u);
}

TEST_F(CreditTest, AGuestThatExceedsItsCreditIsCutOff) {
    open();
    const std::string payload = pattern(65536);
    size_t sent = 0;
    while (m_engine->connection_count() != 0 && take().size() < 100) {
        ASSERT_LT(sent, 8 * size_t{m_credit});
        guest_writes(payload);
        sent += payload.size();
        if (m_engine->counts().violations != 0)
            break;
    }
    EXPECT_EQ(m_engine->counts().violations, 1u);
    EXPECT_GT(sent, m_credit);
    bool was_reset = false;
    for (const auto& packet : take())
        was_reset |= packet.header.is(Operation::Reset);
    EXPECT_TRUE(was_reset);
    // What was within the credit still arrives.
    EXPECT_EQ(host_reads_all(sent - payload.size()).size(), sent - payload.size());
    EXPECT_TRUE(run_until(m_loop, [this] { return host_sees_end(); }));
}

TEST_F(CreditTest, TheHostWaitsForTheGuestsCredit) {
    m_guest_buffer = 1000;
    open();
    host_writes(pattern(2500));
    auto packets = take_after_events();
    ASSERT_EQ(packets.size(), 2u);
    EXPECT_EQ(packets[0].payload, pattern(2500).substr(0, 1000));
    EXPECT_TRUE(packets[1].header.is(Operation::CreditRequest));
    EXPECT_TRUE(take_after_events().empty()) << "it is asked once";
    guest(Operation::CreditUpdate);
    EXPECT_TRUE(take_after_events().empty()) << "no more room, and no ping-pong";
    m_guest_forwarded = 600;
    guest(Operation::CreditUpdate);
    packets = take_after_events();
    ASSERT_EQ(packets.size(), 2u);
    EXPECT_EQ(packets[0].payload, pattern(2500).substr(1000, 600));
    m_guest_forwarded = 1600;
    guest_writes("any packet carries credit");
    packets = take_after_events();
    ASSERT_EQ(packets.size(), 1u);
    EXPECT_EQ(packets[0].payload, pattern(2500).substr(1600));
}

TEST_F(CreditTest, CreditThatWasLostIsAskedForAgain) {
    make({.tick = 10ms});
    m_guest_buffer = 10;
    open();
    host_writes("more than ten bytes");
    EXPECT_EQ(take_after_events().size(), 2u);
    ASSERT_TRUE(run_until(m_loop, [this] { return m_engine->wanted_buffers() != 0; }));
    EXPECT_TRUE(take().at(0).header.is(Operation::CreditRequest));
}

TEST_F(CreditTest, LyingCreditStopsOnlyTheLiar) {
    open();
    m_guest_buffer = 100;
    m_guest_forwarded = 0x80000000; // more than was ever sent
    guest(Operation::CreditUpdate);
    host_writes("x");
    const auto packets = take_after_events();
    ASSERT_EQ(packets.size(), 1u);
    EXPECT_TRUE(packets[0].header.is(Operation::CreditRequest));
    m_guest_forwarded = 0;
    guest(Operation::CreditUpdate);
    EXPECT_EQ(take_after_events().at(0).payload, "x");
}

TEST_F(CreditTest, AnswersACreditRequest) {
    open();
    guest_writes("abc");
    guest(Operation::CreditRequest);
    const auto packets = take();
    ASSERT_EQ(packets.size(), 1u);
    EXPECT_TRUE(packets[0].header.is(Operation::CreditUpdate));
    EXPECT_EQ(packets[0].header.forwarded, 3u);
}

TEST_F(CreditTest, NoPayloadIsLongerThanTheBuffer) {
    open();
    host_writes(pattern(1000));
    settle(m_loop);
    std::string all;
    for (const auto& packet : take(sizeof(PacketHeader) + 7)) {
        EXPECT_LE(packet.payload.size(), 7u);
        all += packet.payload;
    }
    EXPECT_EQ(all, pattern(1000));
}

TEST_F(CreditTest, CreditComesOutOfAPool) {
    make({.connections = 600, .buffer = 1 << 20, .min_buffer = 1 << 14, .pool = 8 << 20});
    uint64_t lent = 0;
    std::vector<FileDescriptor> ends;
    for (int i = 0; i < 300; ++i) {
        auto pair = tracer::socket_pair().value();
        ends.push_back(std::move(pair.second));
        m_engine->connect(guest_port, std::move(pair.first), false, nullptr);
        lent += take().at(0).header.buffer_size;
    }
    EXPECT_LE(lent, (8u << 20) + 300 * (1u << 14));
    m_engine->reset();
    auto pair = tracer::socket_pair().value();
    m_engine->connect(guest_port, std::move(pair.first), false, nullptr);
    EXPECT_EQ(take().at(0).header.buffer_size, 8u << 14) << "all of it came back";
}

TEST_F(CreditTest, ConnectionsTakeTurns) {
    // Two writers with much to say: neither waits for the other's end.
    std::vector<FileDescriptor> ends;
    std::vector<uint32_t> locals;
    for (int i = 0; i < 2; ++i) {
        m_answers.clear();
        open();
        locals.push_back(m_local);
        host_writes(pattern(150'000));
        ends.push_back(std::move(m_host));
    }
    settle(m_loop);
    size_t first_of_second = 0;
    size_t last_of_first = 0;
    const auto packets = take();
    for (size_t i = 0; i < packets.size(); ++i) {
        if (packets[i].header.source_port == locals[0])
            last_of_first = i;
        else if (first_of_second == 0)
            first_of_second = i;
    }
    EXPECT_LT(first_of_second, last_of_first);
}
