// How connections end: by halves, gracefully, and when one side is just gone.

#include "tests/unit/tracer/vsock/EngineFixture.h"

using namespace tracer::vsock;
using namespace tracer::vsock::test;
using tracer::FileDescriptor;
using tracer::Result;

namespace {

using ConnectionEndTest = EngineFixture;

} // namespace

TEST_F(ConnectionEndTest, TheHostEndsItsHalf) {
    open();
    host_writes("last words");
    shutdown(m_host.get(), SHUT_WR);
    auto packets = take_after_events();
    ASSERT_EQ(packets.size(), 2u);
    EXPECT_EQ(packets[0].payload, "last words");
    EXPECT_TRUE(packets[1].header.is(Operation::Shutdown));
    EXPECT_EQ(packets[1].header.flags, shutdown_send);
    guest_writes("answer");
    EXPECT_EQ(host_reads(), "answer") << "the other half goes on";
    m_host.reset();
    packets = take_after_events();
    ASSERT_EQ(packets.size(), 1u);
    EXPECT_TRUE(packets[0].header.is(Operation::Shutdown));
    EXPECT_EQ(packets[0].header.flags, shutdown_both);
    guest(Operation::Reset);
    EXPECT_EQ(m_engine->connection_count(), 0u);
}

TEST_F(ConnectionEndTest, TheHostClosesAndItsBytesArrive) {
    m_guest_buffer = 4;
    open();
    host_writes("12345678");
    m_host.reset();
    EXPECT_EQ(take_after_events().at(0).payload, "1234");
    guest_writes("to nobody");
    m_guest_forwarded = 4;
    guest(Operation::CreditUpdate);
    std::string rest;
    uint32_t flags = 0;
    for (const auto& packet : take_after_events()) {
        rest += packet.payload;
        if (packet.header.is(Operation::Shutdown))
            flags |= packet.header.flags;
    }
    m_guest_forwarded = 8;
    guest(Operation::CreditUpdate);
    for (const auto& packet : take_after_events())
        if (packet.header.is(Operation::Shutdown))
            flags |= packet.header.flags;
    EXPECT_EQ(rest, "5678");
    EXPECT_EQ(flags, shutdown_both);
    guest(Operation::Shutdown, shutdown_both);
    EXPECT_TRUE(take().at(0).header.is(Operation::Reset));
    EXPECT_EQ(m_engine->connection_count(), 0u);
}

TEST_F(ConnectionEndTest, AnEndThatTheGuestDoesNotConfirmEndsByItself) {
    make({.tick = 10ms, .linger = 20ms});
    open();
    host_writes("taken?");
    m_host.reset();
    EXPECT_EQ(take_after_events().size(), 2u);
    // The guest has not taken the bytes: it is asked about them, and nothing is cut off.
    ASSERT_TRUE(run_until(m_loop, [this] { return m_engine->wanted_buffers() != 0; }));
    EXPECT_TRUE(take().at(0).header.is(Operation::CreditRequest));
    m_guest_forwarded = 6;
    guest(Operation::CreditUpdate);
    ASSERT_TRUE(run_until(m_loop, [this] { return m_engine->connection_count() == 0; }));
    EXPECT_TRUE(take().at(0).header.is(Operation::Reset));
}

TEST_F(ConnectionEndTest, TheGuestEndsItsHalf) {
    open();
    guest_writes("last words");
    guest(Operation::Shutdown, shutdown_send);
    EXPECT_EQ(host_reads(), "last words");
    EXPECT_TRUE(host_sees_end());
    host_writes("answer");
    EXPECT_EQ(take_after_events().at(0).payload, "answer");
    EXPECT_EQ(m_engine->connection_count(), 1u);
    guest(Operation::Shutdown, shutdown_receive);
    const auto packets = take();
    ASSERT_EQ(packets.size(), 1u);
    EXPECT_TRUE(packets[0].header.is(Operation::Reset)) << "flags add up, and both are confirmed";
}

TEST_F(ConnectionEndTest, AHostThatWritesToAGuestThatHasStoppedReadingGetsAnError) {
    open();
    guest(Operation::Shutdown, shutdown_receive);
    EXPECT_EQ(send(m_host.get(), "x", 1, MSG_NOSIGNAL), -1);
    EXPECT_EQ(errno, EPIPE);
    guest_writes("still sending");
    EXPECT_EQ(host_reads(), "still sending");
}

TEST_F(ConnectionEndTest, AGracefulEndWaitsForASlowReader) {
    make(slow_reader);
    open();
    const std::string payload = pattern(m_credit);
    for (size_t at = 0; at < payload.size(); at += 65536)
        guest_writes(std::string_view(payload).substr(at, 65536));
    take();
    guest(Operation::Shutdown, shutdown_both);
    for (const auto& packet : take_after_events())
        EXPECT_FALSE(packet.header.is(Operation::Reset)) << "not everything is written";
    EXPECT_EQ(host_reads_all(payload.size()), payload);
    ASSERT_TRUE(run_until(m_loop, [this] { return m_engine->connection_count() == 0; }));
    EXPECT_TRUE(host_sees_end());
    bool confirmed = false;
    for (const auto& packet : take())
        confirmed |= packet.header.is(Operation::Reset);
    EXPECT_TRUE(confirmed);
}

TEST_F(ConnectionEndTest, WhatTheGuestSentBeforeItsResetStillArrives) {
    make(slow_reader);
    open();
    const std::string payload = pattern(m_credit);
    for (size_t at = 0; at < payload.size(); at += 65536)
        guest_writes(std::string_view(payload).substr(at, 65536));
    m_engine->reset();
    EXPECT_EQ(m_engine->connection_count(), 1u) << "it drains";
    EXPECT_EQ(host_reads_all(payload.size()), payload);
    ASSERT_TRUE(run_until(m_loop, [this] { return m_engine->connection_count() == 0; }));
    EXPECT_TRUE(host_sees_end());
    EXPECT_TRUE(take().empty()) << "the guest knows of nothing";
}

TEST_F(ConnectionEndTest, AReaderThatNeverReadsIsGivenUp) {
    make({.socket_buffer = 1, .tick = 10ms, .drain = 20ms});
    open();
    const std::string payload = pattern(m_credit);
    for (size_t at = 0; at < payload.size(); at += 65536)
        guest_writes(std::string_view(payload).substr(at, 65536));
    m_engine->reset();
    EXPECT_TRUE(run_until(m_loop, [this] { return m_engine->connection_count() == 0; }));
}

TEST_F(ConnectionEndTest, AHostThatIsGoneDoesNotKeepWhatIsPending) {
    make(slow_reader);
    open();
    const std::string payload = pattern(m_credit);
    for (size_t at = 0; at < payload.size(); at += 65536)
        guest_writes(std::string_view(payload).substr(at, 65536));
    m_host.reset();
    uint32_t flags = 0;
    for (const auto& packet : take_after_events())
        if (packet.header.is(Operation::Shutdown))
            flags |= packet.header.flags;
    EXPECT_EQ(flags, shutdown_both);
    // The guest may go on until it hears: its bytes are dropped, and its credit does not run out.
    for (int i = 0; i < 64; ++i)
        guest_writes(payload.substr(0, 65536));
    EXPECT_EQ(m_engine->counts().violations, 0u);
}
