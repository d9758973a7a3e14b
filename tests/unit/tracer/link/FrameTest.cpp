#include "tracer/link/Frame.h"

#include <gtest/gtest.h>

#include <numeric>

using tracer::encode_frame;
using tracer::Frame;
using tracer::FrameDecoder;
using wire::FrameType;

namespace {

std::vector<uint8_t> body_of(size_t size) {
    std::vector<uint8_t> body(size);
    std::iota(body.begin(), body.end(), uint8_t{0});
    return body;
}

} // namespace

TEST(Frame, SurvivesEveryPortioning) {
    std::vector<uint8_t> stream;
    for (const size_t size : {0, 1, 16, 100, 5000})
        for (const uint8_t byte : encode_frame(FrameType::TracePacket, static_cast<uint32_t>(size), body_of(size)))
            stream.push_back(byte);
    for (const size_t portion : {1, 2, 15, 16, 17, 4096, 100000}) {
        FrameDecoder decoder;
        std::vector<Frame> frames;
        for (size_t at = 0; at < stream.size(); at += portion) {
            decoder.push({stream.data() + at, std::min(portion, stream.size() - at)});
            while (auto frame = decoder.next().value())
                frames.push_back(*frame);
        }
        ASSERT_EQ(frames.size(), 5u) << portion;
        EXPECT_EQ(frames[4].body, body_of(5000));
        EXPECT_EQ(frames[3].request, 100u);
        EXPECT_TRUE(frames[0].is(FrameType::TracePacket));
        EXPECT_EQ(decoder.pending(), 0u);
    }
}

TEST(Frame, MessagesMayGrowButNotShrink) {
    wire::ReplyMessage message{7, 0};
    auto bytes = encode_frame(FrameType::Reply, 1, tracer::bytes_of(message));
    FrameDecoder decoder;
    decoder.push(bytes);
    Frame frame = *decoder.next().value();
    ASSERT_TRUE(frame.as<wire::ReplyMessage>());
    EXPECT_EQ(frame.as<wire::ReplyMessage>()->error, 7);
    EXPECT_FALSE(frame.as<wire::HelloMessage>());
    frame.body.push_back(0);
    EXPECT_TRUE(frame.as<wire::ReplyMessage>());
}

TEST(Frame, RefusesWhatIsNoFrameAndStaysBroken) {
    const auto good = encode_frame(FrameType::Hello, 1);
    const struct {
        size_t offset;
        uint8_t value;
        const char* why;
    } damages[] = {{0, 'X', "something else"}, {4, 9, "version 9"}, {15, 0xff, "claims"}};
    for (const auto& damage : damages) {
        auto bad = good;
        bad[damage.offset] = damage.value;
        FrameDecoder decoder;
        decoder.push(bad);
        const auto result = decoder.next();
        ASSERT_FALSE(result);
        EXPECT_NE(result.error().message.find(damage.why), std::string::npos) << result.error().message;
        decoder.push(good);
        EXPECT_FALSE(decoder.next());
    }
}

TEST(Frame, ALongStreamDoesNotPileUp) {
    FrameDecoder decoder;
    const auto bytes = encode_frame(FrameType::TracePacket, 0, body_of(1000));
    // Always in the middle of a frame: the decoder never runs empty.
    decoder.push({bytes.data(), 500});
    for (int i = 0; i < 10000; ++i) {
        decoder.push({bytes.data() + 500, bytes.size() - 500});
        decoder.push({bytes.data(), 500});
        ASSERT_TRUE(decoder.next().value());
        ASSERT_FALSE(decoder.next().value());
    }
    EXPECT_EQ(decoder.pending(), 500u);
}
