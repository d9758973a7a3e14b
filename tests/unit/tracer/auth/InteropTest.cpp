// The host's client and the guest's channel, each written by itself, over a pair of sockets.

#include "libos/auth/BearsslPrimitives.h"
#include "libos/auth/GuardedChannel.h"
#include "tests/unit/auth/FakeLine.h"
#include "tracer/auth/AuthenticatedChannel.h"
#include "tracer/auth/AuthenticatedLink.h"
#include "tracer/auth/KeyStore.h"
#include "tracer/link/Frame.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <map>
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

// --- The link, which finds out whether it is asked for a key

/// Each open gives the same line, as a terminal device would.
class FakeLink final : public tracer::Link {
public:
    std::string_view kind() const override { return "fake"; }
    bool has(tracer::ChannelName channel) const override { return lines.contains(channel); }
    tracer::Result<tracer::FileDescriptor> open(tracer::ChannelName channel, const tracer::OpenOptions&) override {
        ++opened;
        return tracer::FileDescriptor(dup(lines.at(channel)));
    }

    std::map<tracer::ChannelName, int> lines;
    std::atomic<int> opened{0};
};

class GuardedLink : public testing::Test {
protected:
    void SetUp() override {
        std::signal(SIGPIPE, SIG_IGN); // as the tools do: a relay may write to a test that has heard enough
        std::string pattern = testing::TempDir() + "/uniscope-XXXXXX";
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        m_directory = pattern;
        setenv("XDG_CONFIG_HOME", pattern.c_str(), 1);
    }
    void TearDown() override {
        unsetenv("XDG_CONFIG_HOME");
        std::filesystem::remove_all(m_directory);
    }
    static std::string enrolled(wire::Role role) {
        const auto store = tracer::KeyStore::open().value();
        return tracer::enrolling_word(store.make("default").value(), role).substr(13);
    }
    tracer::AuthenticatedLink link(tracer::LinkIdentity identity = {}) { return {m_inner, std::move(identity)}; }
    static std::string talk_plainly(int descriptor, const std::string& text) {
        EXPECT_TRUE(tracer::send_all(descriptor, tracer::span_of(std::string_view(text)), milliseconds(5000)));
        std::string heard;
        while (heard.size() < text.size()) {
            const auto part = tracer::receive_some(descriptor, 65536, milliseconds(5000));
            if (!part || part->empty())
                break;
            heard.append(part->begin(), part->end());
        }
        return heard;
    }

    std::filesystem::path m_directory;
    std::shared_ptr<FakeLink> m_inner = std::make_shared<FakeLink>();
};

using tracer::ChannelName;

TEST_F(GuardedLink, ShowsTheKeyAndHidesTheRecords) {
    const std::string word = enrolled(wire::Role::Operator);
    for (const auto protection : {wire::Protection::None, wire::Protection::Mac}) {
        Instance control(wire::ChannelKind::Control, protection, word);
        Instance gdb(wire::ChannelKind::Gdb, protection, word);
        m_inner->lines = {{ChannelName::Control, control.host_end.get()}, {ChannelName::Gdb, gdb.host_end.get()}};
        auto guarded = link();
        const tracer::OpenOptions options{.timeout = milliseconds(20'000), .stop = {}};
        const auto control_end = guarded.open(ChannelName::Control, options);
        ASSERT_TRUE(control_end) << control_end.error().message;
        EXPECT_EQ(talk_plainly(control_end->get(), std::string(5000, 'x')), std::string(5000, 'X'));
        const auto gdb_end = guarded.open(ChannelName::Gdb, options);
        ASSERT_TRUE(gdb_end) << gdb_end.error().message;
        EXPECT_EQ(talk_plainly(gdb_end->get(), "hello"), "HELLO");
    }
}

TEST_F(GuardedLink, SaysWhoIsNotLetIn) {
    const std::string word = enrolled(wire::Role::Tracer);
    Instance control(wire::ChannelKind::Control, wire::Protection::None, word);
    Instance gdb(wire::ChannelKind::Gdb, wire::Protection::None, word);
    m_inner->lines = {{ChannelName::Control, control.host_end.get()}, {ChannelName::Gdb, gdb.host_end.get()}};
    const tracer::OpenOptions options{.timeout = milliseconds(20'000), .stop = {}};
    ASSERT_TRUE(tracer::KeyStore::open().value().make("other"));
    auto stranger = link({.key = "other"});
    EXPECT_EQ(stranger.open(ChannelName::Control, options).error().message,
              "the instance does not know the key `other`");
    const int opened = m_inner->opened;
    EXPECT_FALSE(stranger.open(ChannelName::Control, options)); // it is not asked again at once
    EXPECT_EQ(m_inner->opened, opened);

    auto known = link();
    tracer::Result<tracer::FileDescriptor> control_end = tracer::fail("");
    for (int i = 0; i < 10 && !control_end; ++i) // until the limit on attempts is over
        control_end = known.open(ChannelName::Control, options);
    ASSERT_TRUE(control_end) << control_end.error().message;
    EXPECT_EQ(known.open(ChannelName::Gdb, options).error().message, "a tracer has nothing on the gdb channel");
}

TEST_F(GuardedLink, AnOpenInstanceIsAskedForNothing) {
    enrolled(wire::Role::Operator);
    auto [host, guest] = tracer::socket_pair().value();
    auto [gdb_host, gdb_guest] = tracer::socket_pair().value();
    m_inner->lines = {{ChannelName::Control, host.get()}, {ChannelName::Gdb, gdb_host.get()}};
    const auto frame = tracer::encode_frame(wire::FrameType::Hello, 0, std::array<uint8_t, 72>{});
    ASSERT_TRUE(tracer::send_all(guest.get(), frame, milliseconds(1000)));
    auto open = link();
    const tracer::OpenOptions options{.timeout = milliseconds(20'000), .stop = {}};
    const auto control_end = open.open(ChannelName::Control, options);
    ASSERT_TRUE(control_end) << control_end.error().message;
    const auto gdb_end = open.open(ChannelName::Gdb, options);
    ASSERT_TRUE(gdb_end) << gdb_end.error().message;
    EXPECT_FALSE(tracer::wait_readable(gdb_guest.get(), milliseconds(50)).value()); // not a byte was sent
}

TEST_F(GuardedLink, AStubThatHoldsTheMachineIsRecognised) {
    auto [host, guest] = tracer::socket_pair().value(); // says nothing
    auto [gdb_host, gdb_guest] = tracer::socket_pair().value();
    m_inner->lines = {{ChannelName::Control, host.get()}, {ChannelName::Gdb, gdb_host.get()}};
    auto held = link();
    const tracer::OpenOptions options{.timeout = milliseconds(20'000), .stop = {}};
    const auto control_end = held.open(ChannelName::Control, options);
    EXPECT_TRUE(control_end); // it may speak later
    std::thread stub([descriptor = gdb_guest.get()] {
        const auto asked = tracer::receive_some(descriptor, 100, milliseconds(20'000));
        EXPECT_EQ(std::string(asked->begin(), asked->end()), "$qAttached#8f");
        EXPECT_TRUE(tracer::send_all(descriptor, tracer::span_of(std::string_view("+$1#31")), milliseconds(1000)));
    });
    const auto gdb_end = held.open(ChannelName::Gdb, options);
    stub.join();
    EXPECT_TRUE(gdb_end) << gdb_end.error().message;
    EXPECT_FALSE(held.open(ChannelName::Trace, options));
}

} // namespace
