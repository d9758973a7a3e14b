// Packets through the rings of a guest that behaves, pauses, reboots, or does not behave.

#include "tests/unit/tracer/vsock/BackendFixture.h"

#include "tracer/vsock/HostClient.h"

using namespace tracer::vsock;
using namespace tracer::vsock::test;
using tracer::FileDescriptor;
using tracer::Result;

namespace {

using DeviceTest = BackendFixture;

} // namespace

TEST_F(DeviceTest, BytesBothWays) {
    boot();
    const FileDescriptor end = connect();
    guest_sends_now(Operation::ReadWrite, "up");
    EXPECT_EQ(read(end, 2), "up");
    EXPECT_TRUE(m_guest.tx.has_used()) << "its buffers came back";
    write_to(end, "down");
    m_guest.post(2);
    m_qemu->kick_rx();
    const Packet packet = guest_receives();
    EXPECT_EQ(packet.payload, "down");
    EXPECT_EQ(packet.header.forwarded, 2u);
}

TEST_F(DeviceTest, NothingIsReadFromTheHostWhileTheGuestHasNoBuffer) {
    boot();
    const FileDescriptor end = connect();
    write_to(end, "waits");
    EXPECT_TRUE(guest_has_nothing());
    // The loop is idle: it does not spin on the socket that has something.
    m_loop.restart();
    EXPECT_EQ(m_loop.run_for(20ms), 0u);
    m_guest.post(1);
    EXPECT_TRUE(guest_has_nothing()) << "no kick, no look";
    m_qemu->kick_rx();
    EXPECT_EQ(guest_receives().payload, "waits");
}

TEST_F(DeviceTest, TheGuestIsInterruptedOnlyWhenItWants) {
    boot();
    const FileDescriptor end = connect();
    m_guest.post(8);
    m_qemu->kick_rx();
    settle(m_loop);
    m_qemu->rx_calls();
    m_guest.rx.set_used_event(static_cast<uint16_t>(m_guest.rx.used_index() + 1));
    write_to(end, "one");
    EXPECT_EQ(guest_receives().payload, "one");
    EXPECT_EQ(m_qemu->rx_calls(), 0u);
    write_to(end, "two");
    EXPECT_EQ(guest_receives().payload, "two");
    EXPECT_EQ(m_qemu->rx_calls(), 1u);
}

TEST_F(DeviceTest, TheGuestConnectsToASocketOfTheHost) {
    boot();
    FileDescriptor accepted;
    const auto listener = LocalListener::create(m_loop, m_options.uds.string() + "_2000",
                                                [&](FileDescriptor client) { accepted = std::move(client); });
    ASSERT_TRUE(listener);
    m_local = 2000;
    m_guest.post(2);
    guest_sends_now(Operation::Request);
    EXPECT_TRUE(guest_receives().header.is(Operation::Response));
    m_local = 2001;
    guest_sends_now(Operation::Request);
    EXPECT_TRUE(guest_receives().header.is(Operation::Reset)) << "nobody listens there";
}

TEST_F(DeviceTest, TheGuestConnectsIntoThisProcess) {
    boot();
    FileDescriptor end;
    ASSERT_TRUE(m_backend->listen(2000, [&](FileDescriptor socket) { end = std::move(socket); }));
    EXPECT_FALSE(m_backend->listen(2000, [](FileDescriptor) {}));
    m_local = 2000;
    m_guest.post(2);
    guest_sends(Operation::Request);
    guest_sends_now(Operation::ReadWrite, "in");
    EXPECT_TRUE(guest_receives().header.is(Operation::Response));
    ASSERT_TRUE(end);
    EXPECT_EQ(read(end, 2), "in");
    m_backend->stop_listening(2000);
    m_local = 2000;
    guest_sends_now(Operation::Shutdown, "", shutdown_both);
    EXPECT_TRUE(guest_receives().header.is(Operation::Reset));
    m_guest.post(1);
    guest_sends_now(Operation::Request);
    EXPECT_TRUE(guest_receives().header.is(Operation::Reset));
}

TEST_F(DeviceTest, ManyMegabytesBothWaysAtOnce) {
    boot();
    const FileDescriptor end = connect();
    // The guest echoes, with the credit that it has.
    constexpr size_t total = 6u << 20;
    std::string sent;
    for (size_t i = 0; sent.size() < total; ++i)
        sent += std::to_string(i * 2654435761u) + ",";
    sent.resize(total);
    size_t written = 0;
    std::string got;
    std::string held;
    uint32_t guest_sent = 0;
    uint32_t host_forwarded = 0;
    uint32_t host_buffer = 1 << 16;
    unsigned lent = 0;
    unsigned in_flight = 0;
    while (m_guest.tx.has_used())
        m_guest.tx.take_used();
    const bool done = run_until(m_loop, [&] {
        const ssize_t count =
            send(end.get(), sent.data() + written, sent.size() - written, MSG_DONTWAIT | MSG_NOSIGNAL);
        written += static_cast<size_t>(std::max<ssize_t>(count, 0));
        m_guest.collect();
        while (!m_guest.received.empty()) {
            const Packet packet = std::move(m_guest.received.front());
            m_guest.received.pop_front();
            --lent;
            held += packet.payload;
            host_forwarded = packet.header.forwarded;
            host_buffer = packet.header.buffer_size;
        }
        while (m_guest.tx.has_used()) {
            m_guest.tx.take_used();
            --in_flight;
        }
        while (!held.empty() && in_flight < 60) {
            const size_t room = host_buffer - (guest_sent - host_forwarded);
            const size_t size = std::min({held.size(), room, size_t{FakeGuest::max_payload}});
            if (size == 0)
                break;
            m_guest_forwarded += static_cast<uint32_t>(size);
            guest_sends(Operation::ReadWrite, std::string_view(held).substr(0, size));
            held.erase(0, size);
            guest_sent += static_cast<uint32_t>(size);
            ++in_flight;
        }
        if (lent < 32) {
            m_guest.post(32 - lent);
            lent = 32;
        }
        m_qemu->kick_rx();
        m_qemu->kick_tx();
        char buffer[65536];
        for (ssize_t size = 0; (size = recv(end.get(), buffer, sizeof buffer, MSG_DONTWAIT)) > 0;)
            got.append(buffer, static_cast<size_t>(size));
        return got.size() >= total;
    });
    EXPECT_TRUE(done) << got.size();
    EXPECT_TRUE(got == sent) << "byte for byte";
    EXPECT_EQ(m_backend->counts().bytes_to_guest, total);
    EXPECT_EQ(m_backend->counts().bytes_to_host, total);
}

TEST_F(DeviceTest, ConnectionsSurviveAPauseOfTheMachine) {
    boot();
    const FileDescriptor end = connect();
    m_guest.post(4);
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(m_qemu->stop());
        EXPECT_FALSE(m_backend->is_ready());
        write_to(end, "meanwhile");
        EXPECT_TRUE(guest_has_nothing());
        ASSERT_TRUE(m_qemu->start(m_qemu->bases[0], m_qemu->bases[1]));
        EXPECT_EQ(guest_receives().payload, "meanwhile");
    }
    guest_sends_now(Operation::ReadWrite, "still here");
    EXPECT_EQ(read(end, 10), "still here");
}

TEST_F(DeviceTest, ConnectionsDoNotSurviveAReboot) {
    boot();
    const FileDescriptor end = connect();
    reboot();
    EXPECT_TRUE(sees_end(end));
    EXPECT_EQ(m_backend->connection_count(), 0u);
    const FileDescriptor again = connect();
    guest_sends_now(Operation::ReadWrite, "fresh");
    EXPECT_EQ(read(again, 5), "fresh");
}

TEST_F(DeviceTest, APauseWithoutAnEndEndsConnections) {
    m_options.pause = 20ms;
    boot();
    const FileDescriptor end = connect();
    ASSERT_TRUE(m_qemu->stop());
    EXPECT_TRUE(sees_end(end));
}

TEST_F(DeviceTest, WhoKnowsOfAResetSaysSo) {
    boot();
    const FileDescriptor end = connect();
    ASSERT_TRUE(m_qemu->stop());
    m_backend->reset_connections();
    EXPECT_TRUE(sees_end(end));
}

TEST_F(DeviceTest, AResetOfTheDevice) {
    boot();
    const FileDescriptor end = connect();
    m_qemu->send(Request::ResetDevice);
    EXPECT_TRUE(sees_end(end));
    EXPECT_FALSE(m_backend->is_ready());
    m_guest.restart();
    ASSERT_TRUE(m_qemu->start());
    EXPECT_TRUE(connect());
}

TEST_F(DeviceTest, WhatWasSentJustBeforeTheEndArrives) {
    boot();
    const FileDescriptor end = connect();
    guest_sends(Operation::ReadWrite, "last words"); // and no kick
    m_qemu->close();
    EXPECT_EQ(read(end, 10), "last words");
    EXPECT_TRUE(sees_end(end));
    EXPECT_FALSE(m_backend->has_front_end());
    EXPECT_EQ(m_backend->connection_count(), 0u);
}

TEST_F(DeviceTest, WhatWasSentJustBeforeARebootArrives) {
    boot();
    const FileDescriptor end = connect();
    guest_sends(Operation::ReadWrite, "last words");
    ASSERT_TRUE(m_qemu->stop());
    EXPECT_EQ(read(end, 10), "last words");
}

TEST_F(DeviceTest, AGuestThatBreaksARuleIsSilencedUntilItResets) {
    boot();
    const FileDescriptor end = connect();
    m_guest.tx.make_available(4711);
    m_qemu->kick_tx();
    EXPECT_TRUE(sees_end(end));
    settle(m_loop);
    ASSERT_EQ(m_said.size(), 1u);
    EXPECT_NE(m_said[0].find("broke a rule of virtio"), std::string::npos);
    EXPECT_TRUE(m_qemu->rings_in_error());
    EXPECT_FALSE(m_backend->is_ready());
    for (int i = 0; i < 10; ++i) {
        m_qemu->kick_tx();
        m_qemu->kick_rx();
        settle(m_loop);
    }
    EXPECT_EQ(m_said.size(), 1u) << "once";
    reboot();
    EXPECT_TRUE(m_backend->is_ready());
    EXPECT_TRUE(connect());
}

TEST_F(DeviceTest, PacketsAndBuffersThatAreTooSmall) {
    boot();
    m_guest.tx.descriptor(0, FakeGuest::tx_address(0), 43, 0, 0);
    m_guest.tx.make_available(0);
    m_qemu->kick_tx();
    settle(m_loop);
    ASSERT_EQ(m_said.size(), 1u);
    EXPECT_NE(m_said[0].find("a packet of 43 bytes"), std::string::npos);
    reboot();
    m_guest.rx.descriptor(0, FakeGuest::rx_address(0), 44, 2, 0);
    m_guest.rx.make_available(0);
    guest_sends_now(Operation::ReadWrite, "unknown connection");
    ASSERT_EQ(m_said.size(), 2u);
    EXPECT_NE(m_said[1].find("a buffer of 44 bytes"), std::string::npos);
}

TEST_F(DeviceTest, AFloodOfNonsenseIsAnsweredAsFastAsTheGuestListens) {
    boot();
    const FileDescriptor end = connect();
    // Every packet wants a Reset, and the guest offers no buffer for one.
    m_local = 5;
    size_t sent = 0;
    for (int round = 0; round < 10; ++round) {
        for (int i = 0; i < 60; ++i, ++sent) {
            guest_sends(Operation::ReadWrite);
        }
        m_qemu->kick_tx();
        settle(m_loop);
        while (m_guest.tx.has_used())
            m_guest.tx.take_used();
        if (m_guest.tx.used_index() != m_guest.tx.available_index())
            break;
    }
    EXPECT_NE(m_guest.tx.used_index(), m_guest.tx.available_index()) << "its packets wait";
    size_t answers = 0;
    ASSERT_TRUE(run_until(m_loop, [&] {
        m_guest.post(32);
        m_qemu->kick_rx();
        settle(m_loop);
        m_guest.collect();
        for (; !m_guest.received.empty(); m_guest.received.pop_front(), ++answers)
            EXPECT_TRUE(m_guest.received.front().header.is(Operation::Reset));
        return answers == sent;
    })) << answers;
    EXPECT_EQ(m_guest.tx.used_index(), m_guest.tx.available_index());
    m_guest.post(1);
    m_qemu->kick_rx();
    write_to(end, "and the others go on");
    EXPECT_EQ(guest_receives().payload, "and the others go on");
}
