// The client against peers that are no instance, or no good one.

#include "tracer/auth/AuthenticatedChannel.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <thread>

namespace tracer {
namespace {

using std::chrono::milliseconds;

const PrivateKey& key() {
    static const PrivateKey made = PrivateKey::make().value();
    return made;
}

/// What authenticate() says when the peer answers a Hello with these bytes and perhaps closes.
std::string answer_to(std::span<const uint8_t> bytes, bool closes, ClientHandshake::Wish wish = {},
                      milliseconds timeout = milliseconds(300)) {
    auto [host, guest] = socket_pair().value();
    std::thread peer([&, descriptor = guest.get()] {
        wire::HandshakeHello hello;
        EXPECT_EQ(recv(descriptor, &hello, sizeof hello, MSG_WAITALL), static_cast<ssize_t>(sizeof hello));
        (void)!send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (closes)
            shutdown(descriptor, SHUT_RDWR);
    });
    const auto channel = authenticate(std::move(host), wish, key(), "bob", {.timeout = timeout, .stop = {}});
    peer.join();
    return channel ? "let in" : channel.error().error.message + "\n" + channel.error().error.hint;
}

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

wire::HandshakeRefuse refusal(wire::RefuseReason reason) {
    return {{wire::handshake_magic, 1, static_cast<uint8_t>(wire::HandshakeType::Refuse),
             static_cast<uint8_t>(wire::ChannelKind::Gdb),
             sizeof(wire::HandshakeRefuse) - sizeof(wire::HandshakeHeader)},
            static_cast<uint8_t>(reason),
            0,
            2,
            3,
            0,
            0};
}

TEST(Client, SaysWhyItWasRefused) {
    using enum wire::RefuseReason;
    EXPECT_TRUE(contains(answer_to(span_of(refusal(Version)), false), "version 2 to 3, this tool by 1 to 1"));
    EXPECT_TRUE(contains(answer_to(span_of(refusal(NoEntropy)), false), "no random numbers"));
    EXPECT_TRUE(contains(answer_to(span_of(refusal(UnknownKey)), false), "does not know the key `bob`"));
    EXPECT_TRUE(contains(answer_to(span_of(refusal(Role)), false), "`bob` may not be operator"));
    EXPECT_TRUE(contains(answer_to(span_of(refusal(Channel)), false), "operator has nothing on the gdb channel"));
    EXPECT_TRUE(contains(answer_to(span_of(refusal(Signature)), false), "did not accept the signature"));
    EXPECT_TRUE(contains(answer_to(span_of(refusal(Malformed)), false), "did not understand"));
    EXPECT_TRUE(
        contains(answer_to(span_of(refusal(static_cast<wire::RefuseReason>(99))), false), "did not understand"));
    auto limited = refusal(RateLimited);
    limited.wait_ms = 31'001;
    EXPECT_TRUE(contains(answer_to(span_of(limited), false), "listens again in 32 s"));
}

TEST(Client, TellsSilenceFromBabbleFromAnEnd) {
    EXPECT_TRUE(contains(answer_to({}, false), "does not answer"));
    EXPECT_TRUE(contains(answer_to({}, true), "closed the connection"));
    EXPECT_TRUE(contains(answer_to(span_of(std::string_view("USF1 and so on")), false), "uniscope.debug=open"));
}

TEST(Client, DoesNotTakeWhatIsNoHandshake) {
    auto odd = refusal(wire::RefuseReason::Role);
    odd.header.length = 0xffffffff;
    EXPECT_TRUE(contains(answer_to(span_of(odd), false), "does not keep to the handshake"));
    odd = refusal(wire::RefuseReason::Role);
    odd.header.channel = static_cast<uint8_t>(wire::ChannelKind::Trace);
    EXPECT_TRUE(contains(answer_to(span_of(odd), false), "does not keep to the handshake"));
    odd.header.channel = static_cast<uint8_t>(wire::ChannelKind::Gdb);
    odd.header.type = static_cast<uint8_t>(wire::HandshakeType::Hello);
    EXPECT_TRUE(contains(answer_to(span_of(odd), false), "does not keep to the handshake"));

    // Accepted without having been asked anything.
    wire::HandshakeAccept accept{};
    accept.header = {wire::handshake_magic, 1, static_cast<uint8_t>(wire::HandshakeType::Accept),
                     static_cast<uint8_t>(wire::ChannelKind::Gdb), sizeof accept - sizeof accept.header};
    accept.role = static_cast<uint8_t>(wire::Role::Operator);
    EXPECT_TRUE(contains(answer_to(span_of(accept), false), "does not keep to the handshake"));

    // A challenge that offers less protection than was wanted.
    wire::HandshakeChallenge challenge{};
    challenge.header = {wire::handshake_magic, 1, static_cast<uint8_t>(wire::HandshakeType::Challenge),
                        static_cast<uint8_t>(wire::ChannelKind::Gdb), sizeof challenge - sizeof challenge.header};
    EXPECT_TRUE(contains(answer_to(span_of(challenge), false, {.protection = wire::Protection::Mac}),
                         "does not keep to the handshake"));
    // And who accepts without the session's key.
    std::vector<uint8_t> both(span_of(challenge).begin(), span_of(challenge).end());
    challenge.ephemeral[0] = 4;
    both.insert(both.end(), span_of(accept).begin(), span_of(accept).end());
    EXPECT_TRUE(contains(answer_to(both, false), "does not keep to the handshake"));
}

TEST(Client, AnAcceptOfSomebodyElseIsNone) {
    wire::HandshakeChallenge challenge{};
    challenge.header = {wire::handshake_magic, 1, static_cast<uint8_t>(wire::HandshakeType::Challenge),
                        static_cast<uint8_t>(wire::ChannelKind::Gdb), sizeof challenge - sizeof challenge.header};
    std::ranges::copy(PrivateKey::make()->point(), challenge.ephemeral);
    wire::HandshakeAccept accept{};
    accept.header = {wire::handshake_magic, 1, static_cast<uint8_t>(wire::HandshakeType::Accept),
                     static_cast<uint8_t>(wire::ChannelKind::Gdb), sizeof accept - sizeof accept.header};
    accept.role = static_cast<uint8_t>(wire::Role::Operator);
    std::vector<uint8_t> both(span_of(challenge).begin(), span_of(challenge).end());
    both.insert(both.end(), span_of(accept).begin(), span_of(accept).end());
    EXPECT_TRUE(contains(answer_to(both, false), "is not who made the challenge"));
}

TEST(Records, GoRoundInAnyPortions) {
    const Digest secret = sha256({});
    std::vector<uint8_t> bytes(5000);
    ASSERT_TRUE(fill_random(bytes));
    for (const size_t portion : {size_t{1}, size_t{24}, size_t{1000}, size_t{9000}}) {
        RecordSealer sealer(secret);
        RecordOpener opener(secret);
        auto records = sealer.seal(bytes);
        const auto end = sealer.seal_end();
        records.insert(records.end(), end.begin(), end.end());
        std::vector<uint8_t> opened;
        for (size_t at = 0; at < records.size(); at += portion) {
            const auto part = opener.open(ByteSpan(records).subspan(at, std::min(portion, records.size() - at)));
            ASSERT_TRUE(part);
            opened.insert(opened.end(), part->begin(), part->end());
        }
        EXPECT_EQ(opened, bytes);
        EXPECT_TRUE(opener.at_end());
    }
}

TEST(Records, NoByteMayBeAnother) {
    const Digest secret = sha256({});
    const auto right = RecordSealer(secret).seal(span_of(std::string_view("$T05#b9")));
    for (size_t i = 0; i < right.size(); ++i) {
        auto wrong = right;
        wrong[i] ^= static_cast<uint8_t>(1u << i % 8);
        RecordOpener opener(secret);
        const auto opened = opener.open(wrong);
        EXPECT_TRUE(!opened || opened->empty()) << i;
    }
    // What was right before something wrong is given out, once.
    RecordSealer sealer(secret);
    auto records = sealer.seal(span_of(std::string_view("one")));
    records.insert(records.end(), right.begin(), right.end());
    RecordOpener opener(secret);
    EXPECT_EQ(opener.open(records).value(), std::vector<uint8_t>({'o', 'n', 'e'}));
    EXPECT_FALSE(opener.open({}));
    EXPECT_FALSE(opener.open(sealer.seal(span_of(std::string_view("two")))));
}

} // namespace
} // namespace tracer
