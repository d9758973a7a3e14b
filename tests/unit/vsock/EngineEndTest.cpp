// Connections: how they end; packets that are none; the stopped world; memory that is not there.
#include "Peer.h"

namespace vsock::test {
namespace {

using base::Error;
using base::fail;
using State = Endpoint::State;

class EngineEndTest : public VsockTest {};

// --- Ending

TEST_F(EngineEndTest, ThePeerSendsNoMore) {
    auto& endpoint = accepted(9);
    peer.say(Data, 9, 100, "last");
    peer.say_shutdown(9, 100, ShutSend);
    peer.expect_silence();
    EXPECT_TRUE(at_end(endpoint));
    EXPECT_EQ(read(endpoint), "last");
    EXPECT_EQ(*write(endpoint, "answer"), 6u);
    EXPECT_EQ(peer.hear_one().payload, "answer");
    peer.say(Data, 9, 100, "more");
    peer.expect_only(Reset);
    EXPECT_EQ(engine->counters().violations, 1u);
}

TEST_F(EngineEndTest, ThePeerReceivesNoMore) {
    auto& endpoint = accepted(9);
    peer.say_shutdown(9, 100, ShutReceive);
    EXPECT_EQ(write(endpoint, "x"), fail(Error::BrokenPipe));
    EXPECT_FALSE(at_end(endpoint));
    peer.say(Data, 9, 100, "still");
    EXPECT_EQ(read(endpoint), "still");
}

TEST_F(EngineEndTest, AShutdownOfBothIsAnsweredAndWhatCameBeforeCanBeRead) {
    for (bool at_once : {true, false}) {
        auto& endpoint = accepted(9);
        peer.say(Data, 9, 100, "last");
        if (at_once) {
            peer.say_shutdown(9, 100, ShutBoth);
        } else {
            peer.say_shutdown(9, 100, ShutSend);
            peer.say_shutdown(9, 100, ShutReceive);
        }
        peer.expect_only(Reset);
        EXPECT_EQ(engine->status(endpoint).state, State::Ended);
        EXPECT_EQ(engine->take_error(endpoint), std::nullopt);
        EXPECT_EQ(read(endpoint), "last");
        EXPECT_TRUE(at_end(endpoint));
        EXPECT_EQ(write(endpoint, "x"), fail(Error::BrokenPipe));
        engine->close(endpoint);
        peer.expect_silence();
    }
}

TEST_F(EngineEndTest, AResetEndsItAndIsNotAnswered) {
    auto& endpoint = accepted(9);
    peer.say(Data, 9, 100, "last");
    auto seen = endpoint.event.count();
    peer.say(Reset, 9, 100);
    EXPECT_NE(endpoint.event.count(), seen);
    EXPECT_EQ(read(endpoint), "last");
    EXPECT_TRUE(at_end(endpoint));
    EXPECT_EQ(write(endpoint, "x"), fail(Error::BrokenPipe));
    peer.say(Reset, 9, 100);
    peer.say(Reset, 9, 4321);
    peer.expect_silence();
    peer.say(Data, 9, 100, "after");
    peer.expect_only(Reset);
}

TEST_F(EngineEndTest, HalfCloseOfThisSide) {
    auto& endpoint = accepted(9);
    ASSERT_TRUE(engine->shut_down(endpoint, ShutSend));
    auto shutdown = peer.hear_one();
    EXPECT_EQ(shutdown.operation(), Shutdown);
    EXPECT_EQ(shutdown.header.flags, ShutSend);
    EXPECT_EQ(write(endpoint, "x"), fail(Error::BrokenPipe));
    peer.say(Data, 9, 100, "answer");
    EXPECT_EQ(read(endpoint), "answer");
    ASSERT_TRUE(engine->shut_down(endpoint, ShutReceive));
    EXPECT_EQ(peer.hear_one().header.flags, ShutBoth);
    EXPECT_TRUE(at_end(endpoint));
    peer.say(Data, 9, 100, "sent before it knew");
    peer.expect_silence();
    EXPECT_EQ(read(endpoint), "");
}

TEST_F(EngineEndTest, CloseWaitsForThePeersAnswer) {
    auto& endpoint = accepted(9);
    auto free_frames = frames.used.load();
    engine->close(endpoint);
    auto shutdown = peer.hear_one();
    EXPECT_EQ(shutdown.operation(), Shutdown);
    EXPECT_EQ(shutdown.header.flags, ShutBoth);
    EXPECT_EQ(frames.used, free_frames - 2) << "the buffer is given back at once";
    peer.say(Data, 9, 100, "in flight");
    peer.expect_silence();
    peer.say(Reset, 9, 100);
    peer.expect_silence();
    peer.say(Data, 9, 100, "late");
    peer.expect_only(Reset);
}

TEST_F(EngineEndTest, CloseOfBothAtOnce) {
    auto& endpoint = accepted(9);
    engine->close(endpoint);
    peer.hear();
    peer.say_shutdown(9, 100, ShutBoth);
    peer.expect_only(Reset);
    peer.say(Reset, 9, 100);
    peer.expect_silence();
}

TEST_F(EngineEndTest, ACloseThatIsNotAnsweredIsGivenUp) {
    auto& endpoint = accepted(9);
    engine->close(endpoint);
    peer.hear();
    EXPECT_EQ(engine->next_deadline(), g_now + Engine::close_timeout_ns);
    g_now += Engine::close_timeout_ns;
    engine->expire();
    peer.expect_only(Reset);
    peer.say(Data, 9, 100, "late");
    peer.expect_only(Reset);
}

TEST_F(EngineEndTest, AListenerThatClosesResetsWhatWaits) {
    auto& port = listener(100);
    peer.say(Request, 1, 100);
    peer.say(Request, 2, 100);
    peer.say(Reset, 2, 100);
    peer.hear();
    engine->close(port);
    auto answer = peer.hear_one();
    EXPECT_EQ(answer.operation(), Reset);
    EXPECT_EQ(answer.header.destination_port, 1u);
    peer.say(Request, 3, 100);
    peer.expect_only(Reset);
    EXPECT_TRUE(engine->bind(100));
}

TEST_F(EngineEndTest, ARequestOfAPeerThatForgotReplacesTheConnection) {
    auto& endpoint = accepted(9);
    peer.say(Request, 9, 100);
    peer.expect_only(Response);
    EXPECT_EQ(engine->take_error(endpoint), Error::ConnectionReset);
    EXPECT_TRUE(at_end(endpoint));
    engine->close(endpoint);
    peer.expect_silence();
}

TEST_F(EngineEndTest, AResetOfTheTransportEndsAllAndListenersGoOn) {
    auto& first = accepted(1);
    auto& second = accepted(2);
    auto& connecting = **engine->bind(any_port);
    ASSERT_TRUE(engine->connect(connecting, host_cid, 77, buffer()));
    peer.hear();
    engine->close(second);
    peer.hear();
    peer.cid = 6;
    peer.reset_transport();
    peer.expect_silence();
    EXPECT_EQ(engine->take_error(first), Error::ConnectionReset);
    EXPECT_EQ(engine->take_error(connecting), Error::ConnectionReset);
    EXPECT_EQ(engine->status(connecting).state, State::Bound);
    peer.say(Request, 3, 100, {}, [](SocketPacketHeader& header) { header.destination_cid = 6; });
    auto answer = peer.hear_one();
    EXPECT_EQ(answer.operation(), Response);
    EXPECT_EQ(answer.header.source_cid, 6u);
}

TEST_F(EngineEndTest, ABrokenDeviceEndsAll) {
    auto& endpoint = accepted(1);
    peer.broken = true;
    engine->service();
    EXPECT_EQ(engine->take_error(endpoint), Error::Io);
    EXPECT_EQ(write(endpoint, "x"), fail(Error::BrokenPipe));
    engine->close(endpoint);
    engine->service();
}

// --- Packets that are none

TEST_F(EngineEndTest, WrongTypeAndAddressAreRefusedWithTheirOwnType) {
    auto& endpoint = accepted(9);
    peer.say(Data, 9, 100, "x", [](SocketPacketHeader& header) { header.type = 2; });
    auto answer = peer.hear_one();
    EXPECT_EQ(answer.operation(), Reset);
    EXPECT_EQ(answer.header.type, 2u);
    peer.say(Data, 9, 100, "x", [](SocketPacketHeader& header) { header.destination_cid = 77; });
    answer = peer.hear_one();
    EXPECT_EQ(answer.operation(), Reset);
    EXPECT_EQ(answer.header.source_cid, 77u);
    peer.say(Data, 9, 100, "x", [](SocketPacketHeader& header) { header.source_cid = uint64_t{1} << 40 | host_cid; });
    answer = peer.hear_one();
    EXPECT_EQ(answer.operation(), Reset);
    EXPECT_EQ(answer.header.destination_cid, uint64_t{1} << 40 | host_cid);
    peer.say(Data, 9, 100, "x", [](SocketPacketHeader& header) { header.source_cid = 8; });
    peer.expect_only(Reset);
    peer.say(Reset, 9, 100, {}, [](SocketPacketHeader& header) { header.type = 2; });
    peer.expect_silence();
    EXPECT_EQ(engine->status(endpoint).state, State::Established);
    EXPECT_EQ(read(endpoint), "");
}

TEST_F(EngineEndTest, ALengthOverThePayloadEndsTheConnection) {
    auto& endpoint = accepted(9);
    peer.say(Data, 9, 100, "x", [](SocketPacketHeader& header) { header.length = 2; });
    peer.expect_only(Reset);
    EXPECT_EQ(read(endpoint), "");
    EXPECT_TRUE(at_end(endpoint));
}

TEST_F(EngineEndTest, ALengthBelowThePayloadIsObeyed) {
    auto& endpoint = accepted(9);
    peer.say(Data, 9, 100, "xyz", [](SocketPacketHeader& header) { header.length = 2; });
    EXPECT_EQ(read(endpoint), "xy");
}

TEST_F(EngineEndTest, UnknownOperationsDoNothing) {
    auto& endpoint = accepted(9);
    for (uint16_t operation : {0, 8, 65535, int{Response}})
        peer.say(static_cast<Operation>(operation), 9, 100);
    peer.expect_silence();
    EXPECT_EQ(engine->status(endpoint).state, State::Established);
    peer.say(static_cast<Operation>(8), 9, 4321);
    peer.expect_only(Reset);
}

// --- The stopped world

TEST_F(EngineEndTest, AStopDrainsAndTellsAfterwards) {
    auto& endpoint = accepted(9, 65536);
    auto& port = listener(200);
    peer.interrupts = false;
    auto seen = endpoint.event.count();
    auto seen_port = port.event.count();
    auto changes = g_readiness_changes;
    for (int i = 0; i < 16; ++i)
        peer.say(Data, 9, 100, std::string(4096, static_cast<char>('a' + i)));
    peer.say(Request, 10, 200);
    auto frames_used = frames.used.load();
    for (int i = 0; i < 3; ++i)
        EXPECT_TRUE(engine->poll_stopped());
    EXPECT_EQ(frames.used, frames_used);
    EXPECT_EQ(endpoint.event.count(), seen);
    EXPECT_EQ(port.event.count(), seen_port);
    EXPECT_EQ(g_readiness_changes, changes);
    peer.expect_only(Response);
    engine->service(); // the interrupt that waited
    EXPECT_NE(endpoint.event.count(), seen);
    EXPECT_NE(port.event.count(), seen_port);
    auto text = read(endpoint);
    ASSERT_EQ(text.size(), 65536u);
    for (size_t i = 0; i < text.size(); ++i)
        ASSERT_EQ(text[i], static_cast<char>('a' + i / 4096));
}

TEST_F(EngineEndTest, AStopInTheMiddleIsBusy) {
    auto state = engine->lock().lock();
    EXPECT_EQ(engine->poll_stopped(), fail(Error::Busy));
    engine->lock().unlock(state);
    EXPECT_TRUE(engine->poll_stopped());
}

// --- Memory

TEST_F(EngineEndTest, WithoutAdjacentFramesItSendsSmallPackets) {
    Frames poor;
    poor.has_adjacent = false;
    Peer other;
    Engine small(other, poor, {4, 5000, now, nullptr});
    ASSERT_TRUE(small.start());
    auto& endpoint = **small.bind(any_port);
    ASSERT_TRUE(small.connect(endpoint, host_cid, 1, ReceiveBuffer()));
    other.say(Response, 1, 5000);
    auto reservation = small.begin_send(endpoint, 100'000);
    ASSERT_TRUE(reservation);
    EXPECT_EQ(reservation->size, 4096u);
    small.finish_send(endpoint, *reservation, 0);
    other.set_event_handler(nullptr, nullptr);
}

TEST_F(EngineEndTest, NoMemoryIsAnError) {
    Frames none;
    none.has_adjacent = false;
    none.left = 0;
    Peer other;
    Engine small(other, none, {4, 5000, now, nullptr});
    EXPECT_EQ(small.start(), fail(Error::NoMemory));
    none.left = 3;
    EXPECT_EQ(ReceiveBuffer::create(none, 5 * 4096).error(), Error::NoMemory);
    EXPECT_EQ(none.used, 0u);
}

} // namespace
} // namespace vsock::test
