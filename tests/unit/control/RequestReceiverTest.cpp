// Requests in pieces of every size, and streams that are none.

#include "libos/control/RequestReceiver.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace control {
namespace {

std::string request(uint16_t type, const std::string& body, uint32_t length_added = 0) {
    wire::FrameHeader header{wire::frame_magic, wire::channel_version, type, 7,
                             static_cast<uint32_t>(body.size()) + length_added};
    return std::string(reinterpret_cast<const char*>(&header), sizeof header) + body;
}

/// What was handled; "!" where the stream made no sense.
std::vector<std::string> receive(const std::string& stream, size_t piece) {
    RequestReceiver receiver;
    std::vector<std::string> seen;
    for (size_t at = 0; at < stream.size();) {
        auto room = receiver.room();
        size_t count = std::min({piece, room.size(), stream.size() - at});
        std::memcpy(room.data(), stream.data() + at, count);
        receiver.add(count);
        at += count;
        bool makes_sense = receiver.take_frames([&](const wire::FrameHeader& header, std::span<const std::byte> body) {
            seen.push_back(std::to_string(header.type) + ":" +
                           std::string(reinterpret_cast<const char*>(body.data()), body.size()));
        });
        if (!makes_sense) {
            seen.emplace_back("!");
            receiver.reset();
        }
    }
    return seen;
}

TEST(RequestReceiver, WholeRequestsWhateverThePieces) {
    std::string stream = request(16, "") + request(21, "abc") + request(17, std::string(max_request, 'x'));
    for (size_t piece = 1; piece <= stream.size(); ++piece)
        EXPECT_EQ(receive(stream, piece),
                  (std::vector<std::string>{"16:", "21:abc", "17:" + std::string(max_request, 'x')}))
            << piece;
}

TEST(RequestReceiver, NothingOfAStreamThatIsNone) {
    EXPECT_EQ(receive(request(16, "", max_request + 1), 2000), std::vector<std::string>{"!"});
    EXPECT_EQ(receive(request(16, "", 0xffffffff), 2000), std::vector<std::string>{"!"});
    std::string wrong = request(16, "");
    wrong[0] ^= 1;
    EXPECT_EQ(receive(wrong, 2000), std::vector<std::string>{"!"});
    wrong = request(16, "");
    wrong[4] ^= 1;
    EXPECT_EQ(receive(request(22, "") + wrong, 2000), (std::vector<std::string>{"22:", "!"}));
    EXPECT_TRUE(receive(request(16, "", 1), 2000).empty()); // waits for the rest
}

TEST(RequestReceiver, ProbeChoices) {
    auto parse = [](const std::string& body) { return parse_probe_choice(std::as_bytes(std::span(body))); };
    std::string good("\1\0\0\0\3\0\0\0a:*", 11);
    auto choice = parse(good);
    ASSERT_TRUE(choice);
    EXPECT_TRUE(choice->enable);
    EXPECT_EQ(choice->pattern, "a:*");
    for (size_t size = 0; size < good.size(); ++size)
        EXPECT_FALSE(parse(good.substr(0, size))) << size;
    EXPECT_FALSE(parse(good + "x"));
    EXPECT_FALSE(parse(std::string("\1\0\0\0\xff\xff\xff\xff", 8)));
}

} // namespace
} // namespace control
