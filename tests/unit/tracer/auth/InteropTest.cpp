// The host's client and the guest's channel, each written by itself, over a pair of sockets.

#include "libos/auth/BearsslPrimitives.h"
#include "libos/auth/GuardedChannel.h"
#include "tests/unit/auth/FakeLine.h"
#include "tracer/auth/AuthenticatedChannel.h"
#include "tracer/auth/KeyStore.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace {

using std::chrono::milliseconds;
using tracer::PrivateKey;

uint64_t steady_now() {
    return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

/// An instance that echoes what it is sent in capitals, in a thread of its own.
class Instance {
public:
    Instance(wire::ChannelKind kind, wire::Protection protection, const std::string& key_word)
        : m_channel(kind, m_gate) {
        m_pool.seed(auth::sha256({}));
        m_gate.identity.build_id.fill(std::byte{0xb1});
        EXPECT_TRUE(m_gate.keys.add_word(key_word));
        m_channel.start(m_line, protection);
        auto [host, guest] = tracer::socket_pair().value();
        host_end = std::move(host);
        m_end = std::move(guest);
        m_thread = std::thread([this] { run(); });
    }
    ~Instance() {
        m_stop = true;
        m_thread.join();
    }
    tracer::FileDescriptor host_end;

private:
    void run() {
        while (!m_stop) {
            pollfd entry{m_end.get(), POLLIN, 0};
            if (poll(&entry, 1, 5) > 0) {
                std::byte bytes[1000];
                const ssize_t count = recv(m_end.get(), bytes, sizeof bytes, 0);
                if (count <= 0)
                    return;
                m_line.send(std::span(bytes).first(static_cast<size_t>(count)));
            }
            m_channel.advance();
            std::byte bytes[700];
            while (size_t count = m_channel.read(bytes)) {
                auto part = std::span(bytes).first(count);
                for (std::byte& byte : part)
                    byte = static_cast<std::byte>(std::toupper(std::to_integer<int>(byte)));
                for (std::span<const std::byte> rest = part; !rest.empty();)
                    rest = rest.subspan(m_channel.write_some(rest).value_or(0));
            }
            auto answer = m_line.receive();
            (void)!send(m_end.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
        }
    }

    auth::RandomPool m_pool{{[]() -> std::optional<uint64_t> { return std::nullopt; }, steady_now}};
    auth::BearsslPrimitives m_primitives{m_pool};
    auth::Gate m_gate{m_primitives, steady_now};
    auth::test::FakeLine m_line;
    auth::GuardedChannel m_channel;
    tracer::FileDescriptor m_end;
    std::atomic<bool> m_stop{false};
    std::thread m_thread;
};

std::string talk(tracer::AuthenticatedChannel& channel, const std::string& text) {
    EXPECT_TRUE(channel.write(tracer::span_of(std::string_view(text)), milliseconds(5000)));
    std::string heard;
    while (heard.size() < text.size()) {
        const auto part = channel.read_some(milliseconds(5000));
        if (!part || part->empty())
            break;
        heard.append(part->begin(), part->end());
    }
    return heard;
}

TEST(Interop, HostAndGuestUnderstandEachOther) {
    const PrivateKey key = PrivateKey::make().value();
    const std::string word = tracer::enrolling_word({"bob", key.public_key()}, wire::Role::Operator).substr(13);
    for (const auto kind : {wire::ChannelKind::Gdb, wire::ChannelKind::Control}) {
        for (const auto protection : {wire::Protection::None, wire::Protection::Mac}) {
            Instance instance(kind, protection, word);
            auto channel = tracer::authenticate(std::move(instance.host_end), {kind, wire::Role::Observer}, key, "bob",
                                                tracer::OpenOptions{.timeout = milliseconds(20'000), .stop = {}});
            ASSERT_TRUE(channel) << channel.error().error.message;
            EXPECT_EQ(channel->role(), wire::Role::Observer);
            EXPECT_EQ(channel->protection(), protection);
            EXPECT_EQ(channel->agreement().build_id[19], 0xb1);
            EXPECT_EQ(talk(*channel, "hello"), "HELLO");
            EXPECT_EQ(talk(*channel, std::string(10'000, 'x')), std::string(10'000, 'X'));
        }
    }
}

TEST(Interop, RefusalsArrive) {
    const PrivateKey bob = PrivateKey::make().value();
    const PrivateKey eve = PrivateKey::make().value();
    const std::string word = tracer::enrolling_word({"bob", bob.public_key()}, wire::Role::Tracer).substr(13);
    Instance instance(wire::ChannelKind::Gdb, wire::Protection::None, word);
    const auto attempt = [&](const PrivateKey& key, wire::Role role) {
        tracer::FileDescriptor copy(dup(instance.host_end.get()));
        const auto channel = tracer::authenticate(std::move(copy), {wire::ChannelKind::Gdb, role}, key, "k",
                                                  tracer::OpenOptions{.timeout = milliseconds(20'000), .stop = {}});
        return channel ? "let in" : channel.error().error.message;
    };
    EXPECT_EQ(attempt(eve, wire::Role::Operator), "the instance does not know the key `k`");
    // The limit on attempts is waited out.
    EXPECT_EQ(attempt(bob, wire::Role::Operator), "the key `k` may not be operator there");
    EXPECT_EQ(attempt(bob, wire::Role::Tracer), "the role tracer has nothing on the gdb channel");
}

TEST(Interop, OnALineThatTellsNobodyTheNextHostGetsIn) {
    const PrivateKey key = PrivateKey::make().value();
    const std::string word = tracer::enrolling_word({"bob", key.public_key()}, wire::Role::Operator).substr(13);
    Instance instance(wire::ChannelKind::Gdb, wire::Protection::Mac, word);
    for (int i = 0; i < 3; ++i) {
        tracer::FileDescriptor copy(dup(instance.host_end.get()));
        auto channel = tracer::authenticate(std::move(copy), {}, key, "bob",
                                            tracer::OpenOptions{.timeout = milliseconds(20'000), .stop = {}});
        ASSERT_TRUE(channel) << channel.error().error.message;
        EXPECT_EQ(talk(*channel, "again"), "AGAIN");
        if (i == 0)
            channel->close(milliseconds(1000)); // says goodbye; the others are just gone
    }
}

} // namespace
