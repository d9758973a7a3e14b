// How connections come to be, and what is answered to packets that break the rules.

#include "tests/unit/tracer/vsock/EngineFixture.h"

using namespace tracer::vsock;
using namespace tracer::vsock::test;
using tracer::FileDescriptor;
using tracer::Result;

namespace {

using PacketEngineTest = EngineFixture;

} // namespace

TEST_F(PacketEngineTest, TheHostOpensAndBothSpeak) {
    open();
    EXPECT_GE(m_local, 1u << 30);
    guest_writes("from the guest");
    EXPECT_EQ(host_reads(), "from the guest") << "at once, without a turn of the loop";
    host_writes("from the host");
    const auto packets = take_after_events();
    ASSERT_EQ(packets.size(), 1u);
    EXPECT_TRUE(packets[0].header.is(Operation::ReadWrite));
    EXPECT_EQ(packets[0].payload, "from the host");
    EXPECT_EQ(packets[0].header.forwarded, 14u);
    EXPECT_GE(m_wakes, 1u);
}

TEST_F(PacketEngineTest, TheOkLineComesOnceAndFirst) {
    connect(true);
    EXPECT_EQ(host_reads(), "") << "the guest has not answered";
    host_writes("early");
    EXPECT_TRUE(take_after_events().empty());
    guest(Operation::Response);
    guest_writes("hello");
    EXPECT_EQ(host_reads(), "OK " + std::to_string(m_local) + "\nhello");
    const auto packets = take_after_events();
    ASSERT_EQ(packets.size(), 1u);
    EXPECT_EQ(packets[0].payload, "early");
    EXPECT_EQ(packets[0].header.forwarded, 5u) << "the OK line is not the guest's";
}

TEST_F(PacketEngineTest, TheGuestRefuses) {
    connect(true);
    guest(Operation::Reset);
    settle(m_loop);
    ASSERT_EQ(m_answers.size(), 1u);
    EXPECT_FALSE(m_answers[0]);
    EXPECT_TRUE(host_sees_end()) << "without a word";
    EXPECT_TRUE(take().empty()) << "a Reset is not answered";
    EXPECT_EQ(m_engine->connection_count(), 0u);
}

TEST_F(PacketEngineTest, TheHostGivesUpBeforeTheAnswer) {
    connect(true);
    m_host.reset();
    const auto packets = take_after_events();
    ASSERT_EQ(packets.size(), 1u);
    EXPECT_TRUE(packets[0].header.is(Operation::Reset));
    EXPECT_EQ(m_engine->connection_count(), 0u);
}

TEST_F(PacketEngineTest, AGuestThatNeverAnswersIsGivenUp) {
    make({.tick = 10ms, .answer = 20ms});
    connect();
    ASSERT_TRUE(run_until(m_loop, [this] { return !m_answers.empty(); }));
    EXPECT_EQ(m_answers[0].error().message, "the guest did not answer");
    const auto packets = take();
    ASSERT_EQ(packets.size(), 1u);
    EXPECT_TRUE(packets[0].header.is(Operation::Reset));
}

TEST_F(PacketEngineTest, TheGuestOpens) {
    guest(Operation::Request);
    auto packets = take();
    ASSERT_EQ(packets.size(), 1u);
    EXPECT_TRUE(packets[0].header.is(Operation::Response));
    EXPECT_EQ(packets[0].header.source_port, host_port);
    EXPECT_GT(packets[0].header.buffer_size, 0u);
    guest_writes("hi");
    EXPECT_EQ(host_reads(), "hi");
    host_writes("ho");
    packets = take_after_events();
    ASSERT_EQ(packets.size(), 1u);
    EXPECT_EQ(packets[0].payload, "ho");
    EXPECT_EQ(m_engine->counts().opened_by_guest, 1u);
}

TEST_F(PacketEngineTest, APortWhereNobodyListensIsRefused) {
    m_local = 100;
    guest(Operation::Request);
    const auto packets = take();
    ASSERT_EQ(packets.size(), 1u);
    EXPECT_TRUE(packets[0].header.is(Operation::Reset));
    EXPECT_EQ(packets[0].header.source_port, 100u);
    EXPECT_EQ(packets[0].header.destination_port, guest_port);
    EXPECT_EQ(m_engine->counts().refused, 1u);
}

TEST_F(PacketEngineTest, UnknownConnectionsAreReset) {
    for (const auto operation : {Operation::Response, Operation::ReadWrite, Operation::Shutdown,
                                 Operation::CreditUpdate, Operation::CreditRequest, static_cast<Operation>(77)}) {
        guest(operation);
        const auto packets = take();
        ASSERT_EQ(packets.size(), 1u);
        EXPECT_TRUE(packets[0].header.is(Operation::Reset));
    }
    guest(Operation::Reset);
    EXPECT_TRUE(take().empty()) << "no Reset answers a Reset";
}

TEST_F(PacketEngineTest, WrongAddressesAndTypes) {
    PacketHeader packet = header(Operation::Request);
    packet.source_cid = 99;
    receive(packet);
    EXPECT_TRUE(take().empty()) << "it came from nobody";
    packet = header(Operation::Request);
    packet.destination_cid = 5;
    receive(packet);
    auto packets = std::vector<Packet>();
    // It is the only packet that the host sends in another's name.
    std::string memory(64, '\0');
    iovec part{memory.data(), memory.size()};
    GuestBuffer buffer{{&part, 1}, memory.size()};
    ASSERT_EQ(m_engine->produce({&buffer, 1}), 1u);
    PacketHeader answer;
    std::memcpy(&answer, memory.data(), sizeof answer);
    EXPECT_TRUE(answer.is(Operation::Reset));
    EXPECT_EQ(answer.source_cid, 5u);
    packet = header(Operation::Request);
    packet.type = 2;
    receive(packet);
    packets = take();
    ASSERT_EQ(packets.size(), 1u);
    EXPECT_TRUE(packets[0].header.is(Operation::Reset));
    EXPECT_EQ(packets[0].header.type, 2);
    EXPECT_EQ(m_engine->connection_count(), 0u);
}

TEST_F(PacketEngineTest, AnswersToTheUnknownAreBounded) {
    for (int i = 0; m_engine->accepts(); ++i) {
        ASSERT_LT(i, 1000);
        guest(Operation::ReadWrite);
    }
    EXPECT_EQ(take().size(), 256u);
    EXPECT_TRUE(m_engine->accepts());
}

TEST_F(PacketEngineTest, RulesOfAConnection) {
    const auto breaks = [this](const PacketHeader& packet, std::string_view payload, const char* why) {
        m_answers.clear();
        open();
        PacketHeader sent = packet;
        sent.destination_port = m_local;
        receive(sent, payload);
        const auto packets = take();
        ASSERT_EQ(packets.size(), 1u) << why;
        EXPECT_TRUE(packets[0].header.is(Operation::Reset)) << why;
        EXPECT_EQ(m_engine->connection_count(), 0u) << why;
        EXPECT_TRUE(host_sees_end()) << why;
    };
    breaks(header(Operation::Request), "", "it is open already");
    breaks(header(Operation::Response), "", "nothing was asked");
    breaks(header(static_cast<Operation>(8)), "", "no such operation");
    breaks(header(Operation::Invalid), "", "no such operation");
    PacketHeader longer = header(Operation::ReadWrite);
    longer.length = 5;
    breaks(longer, "four", "longer than its buffer");
    longer.length = 0xffffffff;
    breaks(longer, "four", "much longer than its buffer");

    settle(m_loop);
    m_answers.clear();
    connect();
    guest_writes("too early");
    EXPECT_TRUE(take().at(0).header.is(Operation::Reset));
    EXPECT_EQ(m_engine->counts().violations, 7u);

    settle(m_loop);
    m_answers.clear();
    m_local = 0;
    open();
    guest(Operation::Shutdown, shutdown_send);
    guest_writes("after its own end");
    EXPECT_TRUE(take().at(0).header.is(Operation::Reset));
}

TEST_F(PacketEngineTest, ConnectionsAreBounded) {
    make({.connections = 4});
    std::vector<FileDescriptor> ends;
    for (int i = 0; i < 4; ++i) {
        auto pair = tracer::socket_pair().value();
        ends.push_back(std::move(pair.second));
        m_engine->connect(guest_port, std::move(pair.first), false, nullptr);
    }
    auto pair = tracer::socket_pair().value();
    m_engine->connect(guest_port, std::move(pair.first), false,
                      [this](const Result<uint32_t>& answer) { m_answers.push_back(answer); });
    settle(m_loop);
    ASSERT_EQ(m_answers.size(), 1u);
    EXPECT_NE(m_answers[0].error().message.find("4 connections"), std::string::npos);
    take();
    m_local = host_port;
    guest(Operation::Request);
    EXPECT_TRUE(take().at(0).header.is(Operation::Reset));
    EXPECT_EQ(m_engine->connection_count(), 4u);
}
