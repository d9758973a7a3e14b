#include "tracer/link/GdbProxy.h"

#include <gtest/gtest.h>

#include <string>

using tracer::GdbProxy;
using namespace std::chrono_literals;

namespace {

std::string packet(std::string_view payload) {
    unsigned sum = 0;
    for (const char letter : payload)
        sum += static_cast<unsigned char>(letter);
    constexpr char digits[] = "0123456789abcdef";
    return "$" + std::string(payload) + "#" + digits[sum >> 4 & 15] + digits[sum & 15];
}

const std::string detach = packet("D");

/// A proxy between strings.
class GdbProxyTest : public testing::Test {
protected:
    void client(std::string_view text) { m_proxy.client_bytes(bytes(text), m_now); }
    void stub(std::string_view text) { m_proxy.stub_bytes(bytes(text), m_now); }
    /// A request and its answer, acknowledged as at a session's beginning.
    void exchange(std::string_view request, std::string_view answer) {
        client(packet(request));
        stub("+" + packet(answer));
        client("+");
    }
    std::string take_to_stub() { return std::exchange(m_to_stub, ""); }

    static GdbProxy::Bytes bytes(std::string_view text) {
        return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
    }
    void to_stub(GdbProxy::Bytes sent) {
        if (sent.size() == 1 && sent[0] == GdbProxy::heartbeat)
            ++m_heartbeats;
        else
            append(m_to_stub, sent);
    }
    /// Lets the time go by, second by second.
    void wait(std::chrono::seconds time) {
        for (; time > 0s; time -= 1s) {
            m_now += 1s;
            m_proxy.on_deadline(m_now);
        }
    }
    int take_heartbeats() { return std::exchange(m_heartbeats, 0); }
    static void append(std::string& to, GdbProxy::Bytes from) { to.append(from.begin(), from.end()); }

    std::string m_to_stub;
    std::string m_to_client;
    int m_heartbeats = 0;
    int m_nmis = 0;
    int m_freed = 0;
    GdbProxy::Time m_now{};
    GdbProxy m_proxy{{.to_stub = [this](GdbProxy::Bytes b) { to_stub(b); },
                      .to_client = [this](GdbProxy::Bytes b) { append(m_to_client, b); },
                      .inject_nmi = [this] { ++m_nmis; },
                      .on_free = [this] { ++m_freed; }}};
};

} // namespace

TEST_F(GdbProxyTest, WhatComesTogetherGoesOnTogether) {
    int pieces = 0;
    std::string sent;
    GdbProxy proxy{{.to_stub =
                        [&](GdbProxy::Bytes b) {
                            ++pieces;
                            append(sent, b);
                        },
                    .to_client = [](GdbProxy::Bytes) {},
                    .inject_nmi = [] {},
                    .on_free = [] {}}};
    proxy.client_attached();
    const std::string flood(1000, '+');
    proxy.client_bytes(bytes(flood), m_now);
    EXPECT_EQ(pieces, 1);
    EXPECT_EQ(sent, flood);
}

TEST_F(GdbProxyTest, PassesEverythingOnUnchanged) {
    m_proxy.client_attached();
    const std::string request = "+" + packet("qSupported:xmlRegisters=i386") + "\x03" + packet("m401000,40");
    client(request);
    EXPECT_EQ(m_to_stub, request);
    const std::string answer = "+" + packet("PacketSize=4000;QStartNoAckMode+") + packet("T05thread:1;");
    for (const char letter : answer)
        stub(std::string_view(&letter, 1));
    EXPECT_EQ(m_to_client, answer);
}

TEST_F(GdbProxyTest, HoldsAPacketBackUntilItIsWhole) {
    m_proxy.client_attached();
    client("$M401000,4:00");
    EXPECT_EQ(m_to_stub, "");
    m_proxy.client_gone(m_now);
    EXPECT_EQ(m_to_stub, "") << "the stub never heard of this client";
    EXPECT_TRUE(m_proxy.is_free());
}

TEST_F(GdbProxyTest, ADetachedClientNeedsNoFarewell) {
    m_proxy.client_attached();
    exchange("?", "T05thread:1;");
    EXPECT_TRUE(m_proxy.is_stopped());
    exchange("D", "OK");
    EXPECT_FALSE(m_proxy.is_stopped());
    take_to_stub();
    m_proxy.client_gone(m_now);
    EXPECT_EQ(m_to_stub, "");
    EXPECT_TRUE(m_proxy.is_free());
    EXPECT_EQ(m_freed, 1);
}

TEST_F(GdbProxyTest, DetachesForAStoppedClientThatVanished) {
    m_proxy.client_attached();
    exchange("?", "T05thread:1;");
    take_to_stub();
    m_proxy.client_gone(m_now);
    EXPECT_EQ(take_to_stub(), "+" + detach);
    EXPECT_FALSE(m_proxy.is_free());
    stub("+" + packet("OK"));
    EXPECT_EQ(take_to_stub(), "+");
    EXPECT_TRUE(m_proxy.is_free());
    EXPECT_EQ(m_nmis, 0);
    EXPECT_FALSE(m_proxy.deadline());
}

TEST_F(GdbProxyTest, SpeaksWithoutAcknowledgementsWhereThatWasAgreed) {
    m_proxy.client_attached();
    exchange("QStartNoAckMode", "OK");
    client(packet("?"));
    stub(packet("T05thread:1;"));
    take_to_stub();
    m_proxy.client_gone(m_now);
    EXPECT_EQ(take_to_stub(), detach);
    stub(packet("OK"));
    EXPECT_EQ(take_to_stub(), "");
    EXPECT_TRUE(m_proxy.is_free());
    // The next session begins with acknowledgements again.
    m_proxy.client_attached();
    exchange("?", "T05thread:1;");
    take_to_stub();
    m_proxy.client_gone(m_now);
    EXPECT_EQ(take_to_stub(), "+" + detach);
}

TEST_F(GdbProxyTest, DetachesFromARunningTarget) {
    m_proxy.client_attached();
    exchange("?", "T05thread:1;");
    client(packet("vCont;c"));
    EXPECT_FALSE(m_proxy.is_stopped());
    take_to_stub();
    m_proxy.client_gone(m_now);
    EXPECT_EQ(take_to_stub(), "+" + detach);
    stub("+" + packet("T02thread:1;")); // the stop that the request made
    EXPECT_FALSE(m_proxy.is_free());
    stub(packet("OK"));
    EXPECT_TRUE(m_proxy.is_free());
}

TEST_F(GdbProxyTest, WaitsForTheAnswerThatTheClientDidNot) {
    m_proxy.client_attached();
    exchange("?", "T05thread:1;");
    client(packet("Z0,401000,1"));
    m_proxy.client_gone(m_now);
    stub("+" + packet("OK")); // of Z0
    EXPECT_FALSE(m_proxy.is_free());
    stub("+" + packet("OK"));
    EXPECT_TRUE(m_proxy.is_free());
}

TEST_F(GdbProxyTest, BreaksInWhenTheFarewellGetsNoAnswer) {
    m_proxy.client_attached();
    exchange("?", "T05thread:1;");
    client(packet("c"));
    m_proxy.client_gone(m_now);
    m_now += GdbProxy::patience - 1ms;
    m_proxy.on_deadline(m_now);
    EXPECT_EQ(m_nmis, 0);
    m_now += 1ms;
    m_proxy.on_deadline(m_now);
    EXPECT_EQ(m_nmis, 1);
    m_now += GdbProxy::patience_after_nmi;
    m_proxy.on_deadline(m_now);
    EXPECT_EQ(m_nmis, 1);
    EXPECT_TRUE(m_proxy.is_free()) << "a dead guest must not lock the next gdb out";
}

TEST_F(GdbProxyTest, BreaksInWhenCtrlCGetsNoAnswer) {
    m_proxy.client_attached();
    exchange("?", "T05thread:1;");
    client(packet("c"));
    client("\x03");
    ASSERT_TRUE(m_proxy.deadline());
    m_now = *m_proxy.deadline();
    m_proxy.on_deadline(m_now);
    EXPECT_EQ(m_nmis, 1);
    stub(packet("T02thread:1;"));
    wait(20s);
    EXPECT_EQ(m_nmis, 1);
    EXPECT_TRUE(m_proxy.is_stopped());
}

TEST_F(GdbProxyTest, AnAnsweredCtrlCNeedsNoNmi) {
    m_proxy.client_attached();
    exchange("?", "T05thread:1;");
    client(packet("c") + "\x03");
    stub(packet("T02thread:1;"));
    wait(20s);
    EXPECT_EQ(m_nmis, 0);
}

TEST_F(GdbProxyTest, TheEndOfTheAppEndsTheSession) {
    m_proxy.client_attached();
    exchange("?", "T05thread:1;");
    client(packet("c"));
    stub(packet("W00"));
    take_to_stub();
    m_proxy.client_gone(m_now);
    EXPECT_EQ(m_to_stub, "");
    EXPECT_TRUE(m_proxy.is_free());
}

TEST_F(GdbProxyTest, RepeatsARefusedFarewell) {
    m_proxy.client_attached();
    exchange("?", "T05thread:1;");
    take_to_stub();
    m_proxy.client_gone(m_now);
    stub("-");
    EXPECT_EQ(take_to_stub(), "+" + detach + detach);
}

TEST_F(GdbProxyTest, OutputOfTheRunningTargetIsNoStop) {
    m_proxy.client_attached();
    exchange("?", "T05thread:1;");
    client(packet("c"));
    stub(packet("O68656c6c6f"));
    EXPECT_FALSE(m_proxy.is_stopped());
}

TEST_F(GdbProxyTest, NoiseDoesNoHarm) {
    m_proxy.client_attached();
    std::string noise;
    for (int i = 0; i < 100000; ++i)
        noise += static_cast<char>(i * 7919 >> 3);
    client(noise);
    stub(noise);
    m_proxy.client_gone(m_now);
    stub(noise);
}

TEST_F(GdbProxyTest, AStubThatIsLostInASessionIsOwedALeave) {
    m_proxy.client_attached();
    exchange("?", "T05thread:1;");
    EXPECT_TRUE(m_proxy.stub_gone());
    EXPECT_TRUE(m_proxy.is_free());
    EXPECT_FALSE(m_proxy.is_stopped());
    take_to_stub();
    m_proxy.take_leave(m_now);
    EXPECT_FALSE(m_proxy.is_free());
    EXPECT_EQ(take_to_stub(), "+" + detach);
    stub("+" + packet("OK"));
    EXPECT_TRUE(m_proxy.is_free());
    EXPECT_EQ(m_freed, 1);
}

TEST_F(GdbProxyTest, NoLeaveIsOwedWhereNobodySpokeOrEverybodyLeft) {
    EXPECT_FALSE(m_proxy.stub_gone());
    m_proxy.client_attached();
    EXPECT_FALSE(m_proxy.stub_gone());
    m_proxy.client_attached();
    exchange("?", "T05thread:1;");
    exchange("D", "OK");
    EXPECT_FALSE(m_proxy.stub_gone());
    m_proxy.client_attached();
    exchange("?", "T05thread:1;");
    m_proxy.client_gone(m_now); // its farewell is lost with the stub
    EXPECT_TRUE(m_proxy.stub_gone());
}

TEST_F(GdbProxyTest, AStubThatDoesNotAnswerALeaveIsGivenUp) {
    m_proxy.take_leave(m_now);
    for (int i = 0; i < 2; ++i) {
        ASSERT_TRUE(m_proxy.deadline());
        m_now = *m_proxy.deadline();
        m_proxy.on_deadline(m_now);
    }
    EXPECT_TRUE(m_proxy.is_free());
}

TEST_F(GdbProxyTest, TellsTheStubThatTheClientWhoHoldsItIsStillThere) {
    m_proxy.client_attached();
    wait(3s);
    EXPECT_EQ(take_heartbeats(), 0) << "it holds nothing yet";
    exchange("?", "T05thread:1;");
    EXPECT_EQ(take_heartbeats(), 1);
    wait(60s);
    EXPECT_EQ(take_heartbeats(), 60);
    EXPECT_EQ(m_to_client, "+" + packet("T05thread:1;")) << "the client hears nothing of it";

    client(packet("vCont;c"));
    wait(10s);
    EXPECT_EQ(take_heartbeats(), 0) << "the target runs";
    stub("+" + packet("T05thread:1;"));
    EXPECT_EQ(take_heartbeats(), 1) << "a stop is answered at once";
    wait(5s);
    EXPECT_EQ(take_heartbeats(), 5);
    exchange("D", "OK");
    wait(5s);
    EXPECT_EQ(take_heartbeats(), 0);
}

TEST_F(GdbProxyTest, NoHeartbeatComesInTheMiddleOfAPacket) {
    m_proxy.client_attached();
    exchange("?", "T05thread:1;");
    take_heartbeats();
    take_to_stub();
    client("$m4010");
    wait(2s);
    EXPECT_EQ(take_heartbeats(), 2);
    EXPECT_EQ(take_to_stub(), "");
    client("00,40#ce");
    EXPECT_EQ(take_to_stub(), "$m401000,40#ce");
}

TEST_F(GdbProxyTest, NoHeartbeatSpeaksForAClientThatVanished) {
    m_proxy.client_attached();
    exchange("?", "T05thread:1;");
    take_heartbeats();
    m_proxy.client_gone(m_now);
    wait(5s);
    EXPECT_EQ(take_heartbeats(), 0);
}

TEST_F(GdbProxyTest, PassesOnTheHeartbeatsOfAClientThatSendsItsOwn) {
    m_proxy.client_attached();
    exchange("?", "T05thread:1;");
    client("\x16");
    take_heartbeats();
    wait(30s);
    EXPECT_EQ(take_heartbeats(), 0) << "the client's end may be dead, whatever is alive here";
    client("\x16");
    client("\x16");
    EXPECT_EQ(take_heartbeats(), 2);
}
