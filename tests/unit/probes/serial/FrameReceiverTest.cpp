#include "probes/serial/FrameReceiver.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace serial {
namespace {

constexpr uint32_t seed = 1234;

/// What came out, in order: frames as <payload>, text as it is.
class Heard final : public FrameReceiver::Sink {
public:
    void on_frame(const Frame& frame) override {
        all += '<';
        all.append(frame.payload.begin(), frame.payload.end());
        all += '>';
        ++frames;
    }
    void on_text(std::span<const uint8_t> text) override { all.append(text.begin(), text.end()); }
    void on_damage() override { ++damaged; }

    std::string all;
    size_t frames = 0;
    size_t damaged = 0;
};

class SerialFrameReceiver : public testing::Test {
public:
    SerialFrameReceiver() { begin(Encoding::Plain); }

    void begin(Encoding encoding) {
        receiver = FrameReceiver();
        receiver.begin_session(seed, encoding);
        heard = Heard();
    }
    void push(std::string_view bytes) {
        receiver.receive({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}, now, heard);
    }
    /// Until what is held has been decided.
    void wait() {
        now += FrameReceiver::frame_patience + FrameReceiver::text_patience;
        receiver.on_time(now, heard);
    }
    static std::string frame(std::string_view payload, Encoding encoding = Encoding::Plain, uint32_t with = seed) {
        LineBuffer buffer;
        size_t size = encode({SerialChannel::Console,
                              SerialMessage::Data,
                              3,
                              {reinterpret_cast<const uint8_t*>(payload.data()), payload.size()}},
                             encoding, with, buffer);
        return {reinterpret_cast<const char*>(buffer), size};
    }

    FrameReceiver receiver;
    Heard heard;
    Time now = 1;
};

TEST_F(SerialFrameReceiver, FramesAndTextInTheirOrder) {
    push("boot\n" + frame("one") + "between" + frame("two", Encoding::Escaped) + frame("three") + "last\n");
    wait();
    EXPECT_EQ(heard.all, "boot\n<one>between<two><three>last\n");
    EXPECT_EQ(heard.damaged, 0u);
}

TEST_F(SerialFrameReceiver, WhereverTheLineSplits) {
    auto all = "text\n" + frame("one") + frame("two", Encoding::Escaped) + "more {text} and {braces\n";
    for (size_t piece = 1; piece < all.size(); ++piece) {
        begin(Encoding::Plain);
        for (size_t at = 0; at < all.size(); at += piece)
            push(all.substr(at, piece));
        wait();
        ASSERT_EQ(heard.all, "text\n<one><two>more {text} and {braces\n") << piece;
    }
}

TEST_F(SerialFrameReceiver, BeforeASessionAllTextGetsThroughWhateverItLooksLike) {
    receiver.end_session();
    std::string text = "{\"json\": {\"a\":[1,2]}}\n{}{{}}}{\n{0123456789abc} }{0123456789abc\nna\xc3\xafve {abc\n";
    push(text);
    wait();
    // A whole word of the escaped alphabet between marks is the one thing that cannot be told from a damaged frame.
    EXPECT_EQ(heard.all, "{\"json\": {\"a\":[1,2]}}\n{}{{}}}{\n }{0123456789abc\nna\xc3\xafve {abc\n");
}

TEST_F(SerialFrameReceiver, BytesOfAnAppThatAreNoTextGetThroughBeforeASession) {
    receiver.end_session();
    std::string bytes;
    for (int i = 0; i < 256; ++i) {
        if (i != wire::serial_plain_start && i != wire::serial_plain_end)
            bytes.push_back(static_cast<char>(i));
    }
    push(bytes);
    wait();
    EXPECT_EQ(heard.all, bytes);
}

TEST_F(SerialFrameReceiver, LongTextIsNotHeldForEver) {
    std::string text(5000, 'x');
    push(text);
    wait();
    EXPECT_EQ(heard.all, text);
    // What may be a frame is held no longer than a frame is.
    push("{" + std::string(5000, 'a'));
    wait();
    EXPECT_GE(heard.all.size(), 5000u + 5000 - wire::serial_max_frame);
}

TEST_F(SerialFrameReceiver, TextIsTextAfterSilence) {
    push("prompt> ");
    EXPECT_EQ(heard.all, "");
    EXPECT_EQ(receiver.deadline(), now + FrameReceiver::text_patience);
    now += FrameReceiver::text_patience;
    receiver.on_time(now, heard);
    EXPECT_EQ(heard.all, "prompt> ");
    EXPECT_EQ(receiver.deadline(), no_deadline);
}

TEST_F(SerialFrameReceiver, TheReportOfACrashCutsAFrame) {
    for (auto encoding : {Encoding::Plain, Encoding::Escaped}) {
        bool plain = encoding == Encoding::Plain;
        std::string report = plain ? "kernel fault: all of it {is} here\n" : "kernel fault: all of it { is } here\n";
        auto whole = frame("never finished", encoding);
        for (size_t cut = 1; cut + 1 < whole.size(); ++cut) {
            begin(encoding);
            push(whole.substr(0, cut) + (plain ? "\xf6" : "}") + report);
            wait();
            // Of a few bytes of a frame just begun, it cannot be known that they were one.
            ASSERT_TRUE(heard.all.ends_with(report)) << cut << heard.all;
            ASSERT_LE(heard.all.size(), report.size() + 3) << cut << heard.all;
        }
    }
}

TEST_F(SerialFrameReceiver, AnotherFrameOrSilenceEndsAFrameToo) {
    push(frame("lost").substr(0, 9) + frame("next"));
    EXPECT_EQ(heard.all, "<next>");
    push(frame("lost").substr(0, 9));
    now += FrameReceiver::frame_patience;
    push("rebooted\n");
    wait();
    EXPECT_EQ(heard.all, "<next>rebooted\n");
    EXPECT_EQ(heard.damaged, 2u);
}

TEST_F(SerialFrameReceiver, AFrameThatGoesOnAfterALongPauseLeavesNothing) {
    for (auto encoding : {Encoding::Plain, Encoding::Escaped}) {
        for (bool in_session : {true, false}) {
            auto whole = frame("all of it is text", encoding);
            for (size_t cut = 1; cut < whole.size(); ++cut) {
                begin(encoding);
                if (!in_session)
                    receiver.end_session();
                push(whole.substr(0, cut));
                now += FrameReceiver::frame_patience;
                push(whole.substr(cut));
                wait();
                // Of the escaped encoding, too little has been seen after a few characters.
                ASSERT_LE(heard.all.size(), encoding == Encoding::Escaped && cut <= 10 ? 10u : 0u) << cut << heard.all;
            }
        }
    }
}

TEST_F(SerialFrameReceiver, FramesOfAnotherSessionAreDamage) {
    push(frame("old", Encoding::Plain, seed + 1) + frame("old", Encoding::Escaped, seed + 1) + frame("new"));
    EXPECT_EQ(heard.all, "<new>");
    EXPECT_EQ(heard.damaged, 2u);
    receiver.end_session();
    push(frame("none yet"));
    EXPECT_EQ(heard.all, "<new>");
    EXPECT_EQ(heard.damaged, 3u);
}

TEST_F(SerialFrameReceiver, LineControlInsideAnEscapedFrameIsNothing) {
    auto line = frame("paused", Encoding::Escaped);
    std::string controlled;
    for (char c : line)
        controlled += std::string("\x13\x11", 2) + c + std::string(1, '\0');
    push(controlled.substr(2));
    EXPECT_EQ(heard.frames, 1u);
}

/// One damaged byte, anywhere, of any kind: that frame is lost and nothing else, and none of it is taken for text.
TEST_F(SerialFrameReceiver, DamageStaysWithinItsFrame) {
    std::mt19937 random(3);
    for (auto encoding : {Encoding::Plain, Encoding::Escaped}) {
        std::string payload(60, 0);
        for (auto& c : payload)
            c = static_cast<char>(random());
        begin(encoding);
        auto before = frame("before", encoding), middle = frame(payload, encoding), after = frame("after", encoding);
        for (size_t at = 0; at < middle.size(); ++at) {
            for (unsigned kind = 0; kind < 10; ++kind) {
                auto damaged = middle;
                if (kind < 8)
                    damaged[at] = static_cast<char>(damaged[at] ^ 1 << kind);
                else if (kind == 8)
                    damaged.erase(at, 1);
                else
                    damaged.insert(at, 1, damaged[at]);
                heard = Heard();
                push(before + damaged + after);
                wait();
                // With the end mark gone, the next frame's start ends it; a repeated mark harms nothing.
                ASSERT_TRUE(heard.all == "<before><after>" || heard.all == "<before><" + payload + "><after>")
                    << at << ' ' << kind << ' ' << heard.all;
                ASSERT_TRUE(heard.frames == 2 || kind == 9 || (kind < 8 && encoding == Encoding::Escaped))
                    << at << ' ' << kind;
            }
        }
    }
}

TEST_F(SerialFrameReceiver, FindsTheNextFrameAfterAnyGarbage) {
    std::mt19937 random(4);
    for (int round = 0; round < 2000; ++round) {
        std::string garbage(random() % 1200, 0);
        for (auto& c : garbage)
            c = static_cast<char>(round % 2 == 0 ? random() : "\xf5\xf6\xf9{}0aZ \n"[random() % 10]);
        heard = Heard();
        // The first frame after garbage may be taken for what the garbage began.
        push(garbage + frame("one") + frame("two"));
        ASSERT_TRUE(heard.all.ends_with("<two>")) << round;
    }
}

} // namespace
} // namespace serial
