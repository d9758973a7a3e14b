// The bytes of docs/serial-link.md's example, and that an encoding gives back what was put in.
#include "probes/serial/Frame.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace serial {
namespace {

using Bytes = std::vector<uint8_t>;

constexpr uint32_t host_nonce = 0x11223344;
constexpr uint32_t guest_nonce = 0x55667788;

Bytes encoded(const Frame& frame, Encoding encoding, uint32_t seed) {
    LineBuffer buffer;
    size_t size = encode(frame, encoding, seed, buffer);
    return {buffer, buffer + size};
}

Bytes content_of(const Bytes& line, Encoding encoding) {
    Bytes content(wire::serial_max_content);
    std::span<const uint8_t> between(line.data() + 1, line.size() - 2);
    auto size = encoding == Encoding::Plain ? decode_plain(between, content) : decode_escaped(between, content);
    EXPECT_TRUE(size);
    content.resize(size.value_or(0));
    return content;
}

// "iSCSI end-to-end" test vector: RFC 3720, B.4, 32 bytes of zeros; and the check value of the polynomial's catalogue.
TEST(SerialFrame, CrcIsCastagnolis) {
    uint8_t zeros[32] = {};
    EXPECT_EQ(wire::crc32c(zeros, sizeof(zeros)), 0x8a9136aau);
    EXPECT_EQ(wire::crc32c(reinterpret_cast<const uint8_t*>("123456789"), 9), 0xe3069283u);
}

TEST(SerialFrame, SeedsDifferByDirectionAndSession) {
    auto to_guest = wire::serial_seed(host_nonce, guest_nonce, SerialRole::Host);
    auto to_host = wire::serial_seed(host_nonce, guest_nonce, SerialRole::Guest);
    EXPECT_EQ(to_guest, 0x69f326f1u);
    EXPECT_EQ(to_host, 0x9b98a5f2u);
    EXPECT_NE(to_guest, wire::serial_seed(guest_nonce, host_nonce, SerialRole::Host));
}

Frame example(Bytes& payload) {
    payload = {0x02, 0x01, '$', '?', '#', '3', 'f'}; // place 0x0102
    return {SerialChannel::Gdb, SerialMessage::Data, 7, payload};
}

TEST(SerialFrame, ExampleOfTheSpecificationPlain) {
    Bytes payload;
    auto line =
        encoded(example(payload), Encoding::Plain, wire::serial_seed(host_nonce, guest_nonce, SerialRole::Host));
    EXPECT_EQ(line,
              (Bytes{0xf5, 0x01, 0x07, 0x07, 0x02, 0x01, 0x24, 0x3f, 0x23, 0x33, 0x66, 0xb7, 0x87, 0x04, 0xe3, 0xf6}));
}

TEST(SerialFrame, ExampleOfTheSpecificationEscaped) {
    Bytes payload;
    auto line =
        encoded(example(payload), Encoding::Escaped, wire::serial_seed(host_nonce, guest_nonce, SerialRole::Host));
    EXPECT_EQ(std::string(line.begin(), line.end()), "{0@L70P4T?b<cI[N71><}");
}

TEST(SerialFrame, HelloOfTheSpecification) {
    wire::SerialHello hello{1, 0, 1, {12, 11, 12, 13, 13}, host_nonce, 0};
    Bytes payload(sizeof(hello));
    std::memcpy(payload.data(), &hello, sizeof(hello));
    auto line = encoded({SerialChannel::Link, SerialMessage::Hello, 0, payload}, Encoding::Escaped, 0);
    EXPECT_EQ(std::string(line.begin(), line.end()), R"({41000@0130\<3@e4<b8A000001FQ?lL})");
}

TEST(SerialFrame, MarksInTheContentAreEscaped) {
    Bytes payload{0, 0, 0xf5, 0xf6, 0xf9, 0xf5};
    auto line = encoded({SerialChannel::Trace, SerialMessage::Data, 0xf6, payload}, Encoding::Plain, 9);
    EXPECT_EQ(std::count(line.begin(), line.end(), 0xf5), 1);
    EXPECT_EQ(std::count(line.begin(), line.end(), 0xf6), 1);
    auto content = content_of(line, Encoding::Plain);
    auto frame = parse_content(content, 9);
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->sequence, 0xf6);
    EXPECT_EQ(Bytes(frame->payload.begin(), frame->payload.end()), payload);
}

TEST(SerialFrame, GivesBackWhatWasPutIn) {
    std::mt19937 random(1);
    for (size_t size = 0; size <= wire::serial_max_payload; ++size) {
        for (auto encoding : {Encoding::Plain, Encoding::Escaped}) {
            Bytes payload(size);
            for (auto& byte : payload)
                byte = static_cast<uint8_t>(random() % 8 == 0 ? 0xf5 + random() % 5 : random());
            Frame frame{SerialChannel::Console, SerialMessage::Data, static_cast<uint8_t>(random()), payload};
            auto line = encoded(frame, encoding, 77);
            ASSERT_LE(line.size(), wire::serial_max_frame);
            if (encoding == Encoding::Escaped) {
                for (uint8_t byte : line)
                    ASSERT_TRUE(byte > 0x20 && byte < 0x7f);
            }
            auto content = content_of(line, encoding);
            auto back = parse_content(content, 77);
            ASSERT_TRUE(back);
            EXPECT_EQ(back->channel, frame.channel);
            EXPECT_EQ(back->message, frame.message);
            EXPECT_EQ(back->sequence, frame.sequence);
            EXPECT_EQ(Bytes(back->payload.begin(), back->payload.end()), payload);
            EXPECT_FALSE(parse_content(content, 78));
            EXPECT_FALSE(parse_content(content, std::nullopt));
        }
    }
}

TEST(SerialFrame, NoDamageOfOneByteGoesUnseen) {
    Bytes payload;
    auto content = content_of(encoded(example(payload), Encoding::Plain, 5), Encoding::Plain);
    for (size_t at = 0; at < content.size(); ++at) {
        for (unsigned flip = 1; flip < 256; ++flip) {
            auto damaged = content;
            damaged[at] ^= static_cast<uint8_t>(flip);
            EXPECT_FALSE(parse_content(damaged, 5));
        }
        auto shorter = content;
        shorter.erase(shorter.begin() + static_cast<ptrdiff_t>(at));
        EXPECT_FALSE(parse_content(shorter, 5));
        auto longer = content;
        longer.insert(longer.begin() + static_cast<ptrdiff_t>(at), content[at]);
        EXPECT_FALSE(parse_content(longer, 5));
    }
}

TEST(SerialFrame, KindsThatDoNotExistAreNoFrames) {
    Bytes payload{0, 0, 1};
    for (unsigned channel = 0; channel < 16; ++channel) {
        for (unsigned message = 0; message < 16; ++message) {
            Frame frame{static_cast<SerialChannel>(channel), static_cast<SerialMessage>(message), 0, payload};
            auto content = content_of(encoded(frame, Encoding::Plain, 0), Encoding::Plain);
            bool exists = channel == 0 ? message >= 1 && message <= 4 : channel <= 5 && message == 0;
            EXPECT_EQ(parse_content(content, 0).has_value(), exists) << channel << ' ' << message;
        }
    }
}

TEST(SerialFrame, BrokenEncodingsAreRefused) {
    Bytes content(8);
    EXPECT_FALSE(decode_plain(Bytes{1, 0xf9}, content));
    EXPECT_FALSE(decode_plain(Bytes{0xf9, 0x00}, content));
    EXPECT_FALSE(decode_plain(Bytes(9), content));
    EXPECT_EQ(decode_plain(Bytes{0xf9, 0xd5}, content), 1u);
    EXPECT_FALSE(decode_escaped(Bytes{'0', '0', 'p'}, content));
    EXPECT_FALSE(decode_escaped(Bytes{'0'}, content));      // six bits are no byte
    EXPECT_FALSE(decode_escaped(Bytes{'0', '1'}, content)); // bits beyond the last byte
    EXPECT_FALSE(decode_escaped(Bytes(12, '0'), content));  // nine bytes
    EXPECT_EQ(decode_escaped(Bytes{'0', '0'}, content), 1u);
}

} // namespace
} // namespace serial
