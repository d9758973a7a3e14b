// Connections: how they begin and carry bytes.
#include "Peer.h"

namespace vsock::test {
namespace {

using base::Error;
using base::fail;
using State = Endpoint::State;

class EngineTest : public VsockTest {};

// --- Beginning

TEST_F(EngineTest, AcceptsAConnection) {
    auto& port = listener(100);
    auto seen = port.event.count();
    peer.say(Request, 9, 100);
    auto answer = peer.hear_one();
    EXPECT_EQ(answer.operation(), Response);
    EXPECT_EQ(answer.header.source_cid, Peer::guest_cid);
    EXPECT_EQ(answer.header.destination_cid, host_cid);
    EXPECT_EQ(answer.header.source_port, 100u);
    EXPECT_EQ(answer.header.destination_port, 9u);
    EXPECT_EQ(answer.header.type, type_stream);
    EXPECT_EQ(answer.header.buffer_size, 0u) << "nobody has accepted it: no memory, no credit";
    EXPECT_NE(port.event.count(), seen);
    EXPECT_GT(g_readiness_changes, 0u);
    EXPECT_EQ(engine->status(port).waiting, 1u);

    auto* endpoint = engine->accept(port);
    ASSERT_NE(endpoint, nullptr);
    EXPECT_EQ(engine->accept(port), nullptr);
    engine->grant(*endpoint, buffer(8192));
    auto update = peer.hear_one();
    EXPECT_EQ(update.operation(), CreditUpdate);
    EXPECT_EQ(update.header.buffer_size, 8192u);
    auto status = engine->status(*endpoint);
    EXPECT_EQ(status.state, State::Established);
    EXPECT_EQ(status.local_port, 100u);
    EXPECT_EQ(status.peer_cid, host_cid);
    EXPECT_EQ(status.peer_port, 9u);
}

TEST_F(EngineTest, ACreditRequestBeforeAcceptIsAnsweredByTheGrant) {
    auto& port = listener(100);
    peer.say(Request, 9, 100);
    peer.hear();
    peer.say(CreditRequest, 9, 100);
    peer.expect_silence();
    engine->grant(*engine->accept(port), buffer());
    peer.expect_only(CreditUpdate);
    peer.say(CreditRequest, 9, 100);
    peer.expect_only(CreditUpdate);
}

TEST_F(EngineTest, RefusesWhereNobodyListens) {
    peer.say(Request, 9, 100);
    auto answer = peer.hear_one();
    EXPECT_EQ(answer.operation(), Reset);
    EXPECT_EQ(answer.header.source_port, 100u);
    EXPECT_EQ(answer.header.destination_port, 9u);
    EXPECT_EQ(answer.header.destination_cid, host_cid);
    ASSERT_TRUE(engine->bind(100));
    peer.say(Request, 9, 100);
    peer.expect_only(Reset);
}

TEST_F(EngineTest, RefusesPastTheBacklogAndTakesMoreWhenOneIsAccepted) {
    auto& port = listener(100, 2);
    for (uint32_t from = 1; from <= 3; ++from) { // one more than asked for, as on Linux
        peer.say(Request, from, 100);
        peer.expect_only(Response);
    }
    peer.say(Request, 4, 100);
    peer.expect_only(Reset);
    EXPECT_EQ(engine->counters().refused_full, 1u);
    EXPECT_NE(engine->accept(port), nullptr);
    peer.say(Request, 4, 100);
    peer.expect_only(Response);
}

TEST_F(EngineTest, AFullTableRefusesCleanlyAndRecovers) {
    auto& port = listener(100, 1000);
    std::vector<Endpoint*> all;
    for (uint32_t from = 1; from <= 31; ++from) {
        peer.say(Request, from, 100);
        peer.expect_only(Response);
        all.push_back(engine->accept(port));
    }
    peer.say(Request, 32, 100);
    peer.expect_only(Reset);
    EXPECT_EQ(engine->bind(7), fail(Error::NoBuffers));
    engine->close(*all[4]);
    peer.expect_only(Shutdown);
    peer.say(Reset, 5, 100);
    peer.say(Request, 32, 100);
    peer.expect_only(Response);
}

TEST_F(EngineTest, Connects) {
    auto& endpoint = **engine->bind(any_port);
    auto seen = endpoint.event.count();
    ASSERT_TRUE(engine->connect(endpoint, host_cid, 77, buffer(4096)));
    auto request = peer.hear_one();
    EXPECT_EQ(request.operation(), Request);
    EXPECT_EQ(request.header.source_port, 5000u);
    EXPECT_EQ(request.header.destination_port, 77u);
    EXPECT_EQ(request.header.buffer_size, 4096u);
    EXPECT_EQ(engine->connect(endpoint, host_cid, 77, buffer()), fail(Error::Already));
    EXPECT_EQ(engine->begin_send(endpoint, 1).error(), Error::NotConnected);
    EXPECT_EQ(endpoint.event.count(), seen);
    peer.say(Response, 77, 5000);
    EXPECT_NE(endpoint.event.count(), seen);
    EXPECT_EQ(engine->status(endpoint).state, State::Established);
    EXPECT_EQ(engine->connect(endpoint, host_cid, 77, buffer()), fail(Error::IsConnected));
    peer.expect_silence();
}

TEST_F(EngineTest, ARefusedConnectMayBeTriedAgain) {
    auto& endpoint = **engine->bind(any_port);
    ASSERT_TRUE(engine->connect(endpoint, host_cid, 77, buffer()));
    peer.hear();
    peer.say(Reset, 77, 5000);
    EXPECT_EQ(engine->take_error(endpoint), Error::ConnectionReset);
    EXPECT_EQ(engine->take_error(endpoint), std::nullopt);
    EXPECT_EQ(engine->status(endpoint).state, State::Bound);
    peer.expect_silence();
    ASSERT_TRUE(engine->connect(endpoint, host_cid, 77, buffer()));
    peer.expect_only(Request);
    peer.say(Response, 77, 5000);
    EXPECT_EQ(engine->status(endpoint).state, State::Established);
}

TEST_F(EngineTest, AnAnswerThatIsNoneFailsTheConnect) {
    auto& endpoint = **engine->bind(any_port);
    ASSERT_TRUE(engine->connect(endpoint, host_cid, 77, buffer()));
    peer.hear();
    peer.say(Data, 77, 5000, "early");
    EXPECT_EQ(engine->take_error(endpoint), Error::Protocol);
    peer.expect_only(Reset);
}

TEST_F(EngineTest, AConnectTimesOut) {
    auto& endpoint = **engine->bind(any_port);
    ASSERT_TRUE(engine->connect(endpoint, host_cid, 77, buffer()));
    auto timer = engine->timer_event.count();
    engine->limit_connect(endpoint, g_now + 2000);
    EXPECT_NE(engine->timer_event.count(), timer);
    EXPECT_EQ(engine->next_deadline(), g_now + 2000);
    g_now += 1999;
    engine->expire();
    EXPECT_EQ(engine->status(endpoint).state, State::Connecting);
    g_now += 1;
    auto seen = endpoint.event.count();
    engine->expire();
    EXPECT_NE(endpoint.event.count(), seen);
    EXPECT_EQ(engine->take_error(endpoint), Error::TimedOut);
    EXPECT_EQ(engine->next_deadline(), sched::no_deadline);
    peer.hear();
    peer.say(Response, 77, 5000);
    peer.expect_only(Reset);
}

TEST_F(EngineTest, AnAnsweredConnectHasNoDeadline) {
    auto& endpoint = **engine->bind(any_port);
    ASSERT_TRUE(engine->connect(endpoint, host_cid, 77, buffer()));
    engine->limit_connect(endpoint, g_now + 2000);
    peer.say(Response, 77, 5000);
    g_now += 10'000;
    engine->expire();
    EXPECT_EQ(engine->status(endpoint).state, State::Established);
}

TEST_F(EngineTest, PortsAreGivenOutOnce) {
    EXPECT_TRUE(engine->bind(100));
    EXPECT_EQ(engine->bind(100), fail(Error::AddressInUse));
    EXPECT_TRUE(engine->bind(5001));
    std::vector<uint32_t> ports;
    for (int i = 0; i < 5; ++i) {
        auto endpoint = engine->bind(any_port);
        ASSERT_TRUE(endpoint);
        ports.push_back(engine->status(**endpoint).local_port);
    }
    EXPECT_EQ(ports, (std::vector<uint32_t>{5000, 5002, 5003, 5004, 5005}));
}

TEST_F(EngineTest, TheSameConnectionTwiceIsRefused) {
    auto& first = **engine->bind(100);
    ASSERT_TRUE(engine->connect(first, host_cid, 77, buffer()));
    peer.say(Response, 77, 100);
    engine->close(first); // the port is free when the peer has answered
    EXPECT_EQ(engine->bind(100), fail(Error::AddressInUse));
    peer.say(Reset, 77, 100);
    EXPECT_TRUE(engine->bind(100));
}

// --- Bytes

TEST_F(EngineTest, BytesArriveInOrder) {
    auto& endpoint = accepted(9);
    auto seen = endpoint.event.count();
    peer.say(Data, 9, 100, "hello ");
    EXPECT_NE(endpoint.event.count(), seen);
    peer.say(Data, 9, 100, "world");
    EXPECT_EQ(engine->status(endpoint).received, 11u);
    EXPECT_EQ(read(endpoint, 8), "hello wo");
    EXPECT_EQ(read(endpoint), "rld");
    EXPECT_FALSE(at_end(endpoint));
    peer.expect_silence();
}

TEST_F(EngineTest, CreditIsToldWhenAQuarterWasRead) {
    auto& endpoint = accepted(9, 8192);
    peer.say(Data, 9, 100, std::string(4096, 'x'));
    read(endpoint, 2047);
    peer.expect_silence();
    read(endpoint, 1);
    auto update = peer.hear_one();
    EXPECT_EQ(update.operation(), CreditUpdate);
    EXPECT_EQ(update.header.forwarded, 2048u);
    read(endpoint, 1000);
    ASSERT_TRUE(write(endpoint, "x"));
    auto data = peer.hear_one();
    EXPECT_EQ(data.operation(), Data);
    EXPECT_EQ(data.header.forwarded, 3048u);
    EXPECT_EQ(data.header.buffer_size, 8192u);
}

TEST_F(EngineTest, TheRingGoesRoundForEver) {
    auto& endpoint = accepted(9, 4096);
    uint8_t next = 0;
    uint8_t expected = 0;
    for (int round = 0; round < 300; ++round) {
        std::string part(1 + static_cast<size_t>(round) * 37 % 4096, ' ');
        for (auto& c : part)
            c = static_cast<char>(next++);
        peer.say(Data, 9, 100, part);
        auto text = read(endpoint);
        ASSERT_EQ(text.size(), part.size());
        for (char c : text)
            ASSERT_EQ(static_cast<uint8_t>(c), expected++);
    }
}

TEST_F(EngineTest, MoreThanWasGrantedEndsTheConnection) {
    auto& endpoint = accepted(9, 4096);
    peer.say(Data, 9, 100, std::string(4096, 'x'));
    peer.expect_silence();
    peer.say(Data, 9, 100, "y");
    peer.expect_only(Reset);
    EXPECT_EQ(engine->counters().violations, 1u);
    EXPECT_EQ(read(endpoint).size(), 4096u) << "what was granted can be read";
    EXPECT_TRUE(at_end(endpoint));
    EXPECT_EQ(engine->take_error(endpoint), Error::ConnectionReset);
}

TEST_F(EngineTest, DataBeforeTheGrantEndsTheConnection) {
    listener(100);
    peer.say(Request, 9, 100);
    peer.hear();
    peer.say(Data, 9, 100, "y");
    peer.expect_only(Reset);
}

TEST_F(EngineTest, WhatNobodyReadsHoldsUpNoOther) {
    auto& idle = accepted(1, 4096);
    auto& busy = accepted(2, 4096);
    peer.say(Data, 1, 100, std::string(4096, 'i'));
    for (int i = 0; i < 1000; ++i) {
        peer.say(Data, 2, 100, std::string(4096, 'b'));
        ASSERT_EQ(read(busy).size(), 4096u);
    }
    EXPECT_EQ(read(idle), std::string(4096, 'i'));
}

TEST_F(EngineTest, SendsAsMuchAsThereIsCredit) {
    peer.buffer_size = 100'000;
    auto& endpoint = accepted(9);
    std::string text(150'000, 'x');
    EXPECT_EQ(*write(endpoint, text), 100'000u);
    auto heard = peer.hear();
    ASSERT_EQ(heard.size(), 3u);
    EXPECT_EQ(heard[0].payload.size(), 65536u) << "bulk data in large packets";
    EXPECT_EQ(heard[1].payload.size(), 100'000u - 65536u);
    EXPECT_EQ(heard[2].operation(), CreditRequest) << "asked for once";
    EXPECT_EQ(write(endpoint, text), fail(Error::Again));
    EXPECT_FALSE(engine->status(endpoint).can_send);
    peer.expect_silence();

    auto seen = endpoint.event.count();
    peer.say(CreditUpdate, 9, 100);
    EXPECT_EQ(endpoint.event.count(), seen) << "no credit in it";
    peer.forwarded[{9, 100}] = 10'000;
    peer.say(Data, 9, 100, "credit is in every packet");
    EXPECT_NE(endpoint.event.count(), seen);
    EXPECT_TRUE(engine->status(endpoint).can_send);
    EXPECT_EQ(*write(endpoint, text), 10'000u);
}

TEST_F(EngineTest, WithoutRoomWritersWaitAndAreTold) {
    auto& endpoint = accepted(9);
    auto& other = accepted(10);
    peer.holds = true;
    size_t sent = 0;
    for (base::Result<size_t> part = size_t{0}; (part = write(endpoint, "x")); sent += *part)
        ;
    EXPECT_EQ(sent, SendPool::large_count + SendPool::small_count) << "no more buffers";
    EXPECT_EQ(write(other, "x"), fail(Error::Again));
    auto seen = other.event.count();
    peer.give_back(1);
    EXPECT_NE(other.event.count(), seen);
    EXPECT_TRUE(write(other, "x"));
}

TEST_F(EngineTest, DataLeavesPlacesForTheProtocol) {
    peer.places = 12;
    auto& endpoint = accepted(9, 4096);
    peer.holds = true;
    while (write(endpoint, "x"))
        ;
    EXPECT_EQ(peer.held(), 4u);
    peer.hear();
    peer.say(Data, 9, 100, std::string(4096, 'x'));
    read(endpoint);
    peer.expect_only(CreditUpdate);
    peer.say(Request, 9, 1234);
    peer.expect_only(Reset);
}

TEST_F(EngineTest, WhatFindsNoPlaceWaitsAndIsNotRepeated) {
    peer.places = 3;
    auto& endpoint = accepted(9, 4096);
    peer.holds = true;
    for (int i = 0; i < 100; ++i)
        peer.say(Request, static_cast<uint32_t>(i), 1234);
    EXPECT_EQ(peer.hear().size(), 3u);
    EXPECT_EQ(engine->counters().dropped_resets, 100u - 3 - 64);
    for (int i = 0; i < 100; ++i)
        peer.say(CreditRequest, 9, 100);
    peer.holds = false;
    unsigned resets = 0;
    unsigned updates = 0;
    for (int i = 0; i < 100; ++i) {
        peer.give_back();
        for (auto& heard : peer.hear()) {
            resets += heard.operation() == Reset ? 1 : 0;
            updates += heard.operation() == CreditUpdate ? 1 : 0;
        }
    }
    EXPECT_EQ(resets, 64u);
    EXPECT_EQ(updates, 1u);
    EXPECT_EQ(engine->status(endpoint).state, State::Established);
}

} // namespace
} // namespace vsock::test
