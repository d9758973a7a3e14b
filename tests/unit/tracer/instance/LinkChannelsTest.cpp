#include "tracer/instance/LinkChannels.h"

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>

using namespace tracer;
using std::chrono::milliseconds;

namespace {

/// A link whose other ends the test holds.
class FakeLink final : public Link {
public:
    struct State {
        std::atomic<int> failures = 0; ///< so many opens fail first
        std::atomic<int> opens = 0;
        std::atomic<bool> stole = false;
        std::atomic<bool> hangs = false;
        std::atomic<bool> was_stopped = false;
        std::mutex mutex;
        std::vector<FileDescriptor> ends;
    };
    explicit FakeLink(State& state)
        : m_state(state) {}

    std::string_view kind() const override { return "fake"; }
    bool has(ChannelName) const override { return true; }
    Result<FileDescriptor> open(ChannelName, const OpenOptions& options) override {
        ++m_state.opens;
        m_state.stole = options.steal;
        while (m_state.hangs && !options.stop.stop_requested())
            std::this_thread::sleep_for(milliseconds(1));
        m_state.was_stopped = options.stop.stop_requested();
        if (m_state.was_stopped || m_state.failures > 0) {
            --m_state.failures;
            return fail("nobody is there");
        }
        auto [ours, theirs] = TRY(socket_pair());
        const std::lock_guard lock(m_state.mutex);
        m_state.ends.push_back(std::move(theirs));
        return std::move(ours);
    }

private:
    State& m_state;
};

class LinkChannelsTest : public testing::Test {
protected:
    LinkChannelsTest() {
        std::signal(SIGPIPE, SIG_IGN);
        m_channels.on_open = [this](ChannelName name, std::shared_ptr<Channel> channel) {
            ++m_opened;
            m_channel = std::move(channel);
            m_channel->on_close = [this, name] { m_channels.lost(name); };
            m_channel->start();
        };
        m_channels.on_failure = [this](ChannelName, const Error&) { ++m_failed; };
    }

    /// Runs the loop until the condition holds, for ten seconds at most.
    template <typename Condition>
    bool run_until(Condition condition) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (!condition() && std::chrono::steady_clock::now() < deadline) {
            m_loop.restart();
            m_loop.run_for(milliseconds(10));
        }
        return condition();
    }
    void run_for(milliseconds time) {
        m_loop.restart();
        m_loop.run_for(time);
    }

    FakeLink::State m_state;
    asio::io_context m_loop;
    LinkChannels m_channels{m_loop, std::make_unique<FakeLink>(m_state)};
    std::shared_ptr<Channel> m_channel;
    int m_opened = 0;
    int m_failed = 0;
};

} // namespace

TEST_F(LinkChannelsTest, TriesAgainUntilItIsOpen) {
    m_state.failures = 2;
    m_channels.keep(ChannelName::Control);
    ASSERT_TRUE(run_until([&] { return m_failed == 1; }));
    EXPECT_EQ(m_channels.problem(ChannelName::Control)->message, "nobody is there");
    ASSERT_TRUE(run_until([&] { return m_opened == 1; }));
    EXPECT_EQ(m_failed, 2);
    EXPECT_FALSE(m_channels.problem(ChannelName::Control));
    m_channels.keep(ChannelName::Control); // it is kept already
    run_for(milliseconds(50));
    EXPECT_EQ(m_state.opens, 3);
}

TEST_F(LinkChannelsTest, OpensAgainWhatWasLost) {
    m_channels.keep(ChannelName::Console);
    ASSERT_TRUE(run_until([&] { return m_opened == 1; }));
    m_state.ends.clear();
    ASSERT_TRUE(run_until([&] { return m_channels.problem(ChannelName::Console).has_value(); }));
    ASSERT_TRUE(run_until([&] { return m_opened == 2; }));
    EXPECT_EQ(m_failed, 0);
}

TEST_F(LinkChannelsTest, WhatIsDroppedIsNotOpenedAgain) {
    m_channels.keep(ChannelName::Gdb);
    ASSERT_TRUE(run_until([&] { return m_opened == 1; }));
    m_channels.drop(ChannelName::Gdb);
    m_state.ends.clear();
    run_for(milliseconds(500));
    EXPECT_EQ(m_state.opens, 1);
    m_channels.keep(ChannelName::Gdb);
    ASSERT_TRUE(run_until([&] { return m_opened == 2; }));
}

TEST_F(LinkChannelsTest, AnOpeningThatIsGivenUpIsNoFailure) {
    m_state.hangs = true;
    m_channels.keep(ChannelName::Gdb);
    ASSERT_TRUE(run_until([&] { return m_state.opens == 1; }));
    m_channels.drop(ChannelName::Gdb);
    m_channels.keep(ChannelName::Gdb);
    m_state.hangs = false;
    ASSERT_TRUE(run_until([&] { return m_opened == 1; }));
    EXPECT_EQ(m_failed, 0);
}

TEST_F(LinkChannelsTest, StealsOnce) {
    m_channels.keep(ChannelName::Gdb, true);
    ASSERT_TRUE(run_until([&] { return m_opened == 1; }));
    EXPECT_TRUE(m_state.stole);
    m_state.ends.clear();
    ASSERT_TRUE(run_until([&] { return m_opened == 2; }));
    EXPECT_FALSE(m_state.stole) << "who took it away since is not driven out again";
}

TEST(LinkChannels, ItsEndWaitsForNobody) {
    FakeLink::State state;
    state.hangs = true;
    asio::io_context loop;
    {
        LinkChannels channels(loop, std::make_unique<FakeLink>(state));
        channels.keep(ChannelName::Trace);
        while (state.opens == 0)
            std::this_thread::sleep_for(milliseconds(1));
    }
    EXPECT_TRUE(state.was_stopped);
}
