#include "gdbstub/packet/PacketReceiver.h"

#include <array>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/gdbstub/ScriptedClient.h"

namespace gdbstub::test {
namespace {

using Event = PacketReceiver::Event;

struct Receiver {
    std::array<uint8_t, 64> buffer{};
    PacketReceiver receiver{buffer};

    /// All events that `bytes` cause, without releasing packets.
    std::vector<Event> push(std::string_view bytes) {
        std::vector<Event> events;
        for (char c : bytes)
            if (Event event = receiver.push(static_cast<uint8_t>(c)); event != Event::None)
                events.push_back(event);
        return events;
    }

    std::string packet() const {
        auto bytes = receiver.packet();
        return {bytes.begin(), bytes.end()};
    }
};

TEST(PacketReceiver, TakesAPacket) {
    Receiver r;
    EXPECT_EQ(r.push("$m1000,4#8e"), std::vector{Event::Packet});
    EXPECT_EQ(r.packet(), "m1000,4");
}

TEST(PacketReceiver, TakesUpperCaseChecksums) {
    Receiver r;
    EXPECT_EQ(r.push("$m1000,4#8E"), std::vector{Event::Packet});
}

TEST(PacketReceiver, TakesAnEmptyPacket) {
    Receiver r;
    EXPECT_EQ(r.push("$#00"), std::vector{Event::Packet});
    EXPECT_TRUE(r.receiver.holds_packet());
    EXPECT_EQ(r.packet(), "");
}

TEST(PacketReceiver, UndoesEscapes) {
    Receiver r;
    EXPECT_EQ(r.push(framed(escaped("X0,4:$#}*"))), std::vector{Event::Packet});
    EXPECT_EQ(r.packet(), "X0,4:$#}*");
}

TEST(PacketReceiver, TellsCtrlCFromDataWithTheSameByte) {
    Receiver r;
    EXPECT_EQ(r.push("\x03"), std::vector{Event::Interrupt});
    EXPECT_EQ(r.push(framed("X0,1:\x03")), std::vector{Event::Packet});
    EXPECT_EQ(r.packet(), "X0,1:\x03");
}

TEST(PacketReceiver, ReportsAcknowledgements) {
    Receiver r;
    EXPECT_EQ(r.push("+-\r\n+"), (std::vector{Event::Acknowledged, Event::Rejected, Event::Acknowledged}));
}

TEST(PacketReceiver, RejectsWrongAndMalformedChecksums) {
    Receiver r;
    EXPECT_EQ(r.push("$g#68"), std::vector{Event::BadPacket});
    EXPECT_EQ(r.push("$g#x"), std::vector{Event::BadPacket});
    EXPECT_EQ(r.push("$g#6x"), std::vector{Event::BadPacket});
    EXPECT_EQ(r.push("$g#67"), std::vector{Event::Packet});
}

TEST(PacketReceiver, StartsAnewAtEachDollar) {
    for (std::string_view broken : {"$", "$m10", "$X0,4:}", "$m10#", "$m10#3"}) {
        Receiver r;
        EXPECT_EQ(r.push(std::string(broken) + "$g#67"), std::vector{Event::Packet}) << broken;
        EXPECT_EQ(r.packet(), "g") << broken;
    }
}

TEST(PacketReceiver, EndsAPacketInsideOfAnEscape) {
    Receiver r;
    EXPECT_EQ(r.push("$g}#e4"), std::vector{Event::Packet});
    EXPECT_EQ(r.packet(), "g");
}

TEST(PacketReceiver, TakesPacketsAsLongAsItsBuffer) {
    Receiver r;
    std::string longest(64, 'a');
    EXPECT_EQ(r.push(framed(longest)), std::vector{Event::Packet});
    EXPECT_EQ(r.packet(), longest);
    EXPECT_FALSE(r.receiver.packet_too_long());
    r.receiver.release();

    EXPECT_EQ(r.push(framed(longest + 'a')), std::vector{Event::Packet});
    EXPECT_TRUE(r.receiver.packet_too_long());
    EXPECT_EQ(r.packet(), "");
    r.receiver.release();

    EXPECT_EQ(r.push("$g#67"), std::vector{Event::Packet});
    EXPECT_FALSE(r.receiver.packet_too_long());
}

TEST(PacketReceiver, CountsAnEscapedByteOnce) {
    Receiver r;
    std::string data(64, '#');
    EXPECT_EQ(r.push(framed(escaped(data))), std::vector{Event::Packet});
    EXPECT_EQ(r.packet(), data);
}

TEST(PacketReceiver, KeepsWhatComesBehindAHeldPacket) {
    Receiver r;
    EXPECT_EQ(r.push("$m1,2#fc\x03$g#67+$?#3f"), std::vector{Event::Packet});
    EXPECT_EQ(r.packet(), "m1,2");
    r.receiver.release();
    EXPECT_EQ(r.receiver.replay(), Event::Interrupt);
    EXPECT_EQ(r.receiver.replay(), Event::Packet);
    EXPECT_EQ(r.packet(), "g");
    EXPECT_EQ(r.receiver.replay(), Event::None); // held: nothing moves
    r.receiver.release();
    EXPECT_EQ(r.receiver.replay(), Event::Acknowledged);
    EXPECT_EQ(r.receiver.replay(), Event::Packet);
    EXPECT_EQ(r.packet(), "?");
    r.receiver.release();
    EXPECT_EQ(r.receiver.replay(), Event::None);
    EXPECT_FALSE(r.receiver.holds_packet());
}

TEST(PacketReceiver, GoesOnWithAPacketThatWasKeptInPart) {
    Receiver r;
    r.push("$g#67$m10");
    r.receiver.release();
    EXPECT_EQ(r.receiver.replay(), Event::None);
    EXPECT_EQ(r.push("00,4#8e"), std::vector{Event::Packet});
    EXPECT_EQ(r.packet(), "m1000,4");
}

TEST(PacketReceiver, KeepsTheOrderOfBytesThatComeBeforeReplay) {
    Receiver r;
    r.push("$g#67$m10");
    r.receiver.release();
    EXPECT_EQ(r.push("00,4#8e"), std::vector<Event>{});
    EXPECT_EQ(r.receiver.replay(), Event::Packet);
    EXPECT_EQ(r.packet(), "m1000,4");
}

TEST(PacketReceiver, LosesOnlyWhatItsBufferCannotKeep) {
    Receiver r;
    std::string flood(1000, 'x');
    r.push("$g#67" + flood);
    r.receiver.release();
    EXPECT_EQ(r.receiver.replay(), Event::None);
    EXPECT_EQ(r.push("$?#3f"), std::vector{Event::Packet});
    EXPECT_EQ(r.packet(), "?");
}

TEST(PacketReceiver, ReplayNeverOvertakesItself) {
    // Packets of growing length, all kept while the first is held, in each possible split of keeping and replaying.
    for (size_t kept = 0; kept <= 30; ++kept) {
        Receiver r;
        std::string stream = framed("a") + framed(escaped("b#")) + framed(escaped("c}#$")) + framed("dddddddd");
        std::vector<std::string> seen;
        auto drain = [&](Event event) {
            while (event == Event::Packet) {
                seen.push_back(r.packet());
                r.receiver.release();
                event = r.receiver.replay();
            }
        };
        for (size_t i = 0; i < stream.size(); ++i) {
            Event event = r.receiver.push(static_cast<uint8_t>(stream[i]));
            if (i >= kept)
                drain(event == Event::None && r.receiver.holds_packet() ? Event::Packet : event);
        }
        EXPECT_EQ(seen, (std::vector<std::string>{"a", "b#", "c}#$", "dddddddd"})) << kept;
    }
}

} // namespace
} // namespace gdbstub::test
