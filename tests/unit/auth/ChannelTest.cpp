// GuardedChannel in its three ways of use, once somebody is in.

#include <gtest/gtest.h>

#include "tests/unit/auth/Bench.h"

namespace auth::test {
namespace {

using wire::Protection;

/// Physical addresses are pointers.
class TestPages final : public memory::PageAllocator {
public:
    base::Result<memory::PhysicalAddress> allocate_zeroed_page() override { return base::fail(base::Error::NoMemory); }
    void free_page(memory::PhysicalAddress) override {}
    void* to_pointer(memory::PhysicalAddress page) override { return reinterpret_cast<void*>(page); }
};

TEST(Channel, RecordsCarryAnyAmountBothWays) {
    Bench bench(gdb, Protection::Mac);
    TestHost host(bench.alice, gdb, operator_role);
    ASSERT_TRUE(bench.log_in(host));
    std::string text;
    for (int i = 0; i < 3000; ++i)
        text += static_cast<char>(i * 7);
    std::vector<std::byte> sent;
    for (size_t at = 0; at < text.size(); at += 1000) {
        auto record = host.seal(std::string_view(text).substr(at, 1000));
        sent.insert(sent.end(), record.begin(), record.end());
    }
    for (size_t at = 0; at < sent.size(); at += 97)
        bench.line.send(Bytes(sent).subspan(at, std::min<size_t>(97, sent.size() - at)));
    std::string got;
    for (std::string part; !(part = bench.read()).empty();)
        got += part;
    EXPECT_EQ(got, text);

    bench.line.capacity = 50;
    std::vector<std::byte> heard;
    for (Bytes rest = as_bytes(std::span(text)); !rest.empty();) {
        auto written = bench.channel.write_some(rest);
        if (written)
            rest = rest.subspan(*written);
        auto part = bench.line.receive();
        heard.insert(heard.end(), part.begin(), part.end());
    }
    for (std::vector<std::byte> part; !(part = bench.line.receive()).empty();)
        heard.insert(heard.end(), part.begin(), part.end());
    EXPECT_EQ(host.open(heard), text);
}

TEST(Channel, PagesGoThroughPlain) {
    Bench bench(wire::ChannelKind::Trace);
    TestHost host(bench.carol, wire::ChannelKind::Trace, tracer_role);
    ASSERT_TRUE(bench.log_in(host));
    std::string page(4096, 'p');
    int done = 0;
    ASSERT_TRUE(bench.channel.write_pages(
        reinterpret_cast<uintptr_t>(page.data()), 4096, [](void* context) { ++*static_cast<int*>(context); }, &done));
    EXPECT_EQ(done, 1);
    EXPECT_EQ(text_of(bench.line.receive()), page);
}

TEST(Channel, PagesGoInRecordsAndAreGivenBackOnce) {
    Bench bench(wire::ChannelKind::Trace, Protection::Mac);
    TestPages pages;
    bench.gate.pages = &pages;
    TestHost host(bench.carol, wire::ChannelKind::Trace, tracer_role);
    ASSERT_TRUE(bench.log_in(host));
    std::string page;
    for (int i = 0; i < 4096; ++i)
        page += static_cast<char>(i * 13);
    int done = 0;
    auto count_done = [](void* context) { ++*static_cast<int*>(context); };
    auto address = reinterpret_cast<uintptr_t>(page.data());
    bench.line.capacity = 100;
    ASSERT_TRUE(bench.channel.write_pages(address, 4096, count_done, &done));
    EXPECT_EQ(done, 0);
    EXPECT_EQ(bench.channel.write_pages(address, 4096, count_done, &done), base::fail(base::Error::Again));
    EXPECT_EQ(bench.channel.write_some(as_bytes(std::span("x", 1))), base::fail(base::Error::Again));
    std::vector<std::byte> heard;
    for (std::vector<std::byte> part; !(part = bench.line.receive()).empty();)
        heard.insert(heard.end(), part.begin(), part.end());
    EXPECT_EQ(done, 1);
    EXPECT_EQ(host.open(heard), page);
    // A host that goes in the middle: they are given back all the same.
    ASSERT_TRUE(bench.channel.write_pages(address, 4096, count_done, &done));
    EXPECT_EQ(done, 1);
    bench.line.replace_host();
    EXPECT_EQ(done, 2);
    EXPECT_EQ(bench.channel.write_pages(address, 4096, count_done, &done), base::fail(base::Error::BrokenPipe));
    EXPECT_EQ(done, 2);
}

TEST(Channel, TheLastBytesBeforeAGoodbyeAreRead) {
    Bench bench(gdb, Protection::Mac);
    TestHost host(bench.alice, gdb, operator_role);
    ASSERT_TRUE(bench.log_in(host));
    auto last = host.seal("$D#44");
    auto end = host.seal("");
    last.insert(last.end(), end.begin(), end.end());
    bench.line.send(last);
    EXPECT_EQ(bench.read(), "$D#44");
    EXPECT_TRUE(bench.channel.session());
    EXPECT_EQ(bench.read(), "");
    EXPECT_FALSE(bench.channel.session());
    EXPECT_EQ(bench.log.back(), "ended alice 3 0");
    // On the same line, the next one.
    TestHost next(bench.bob, gdb, observer_role);
    EXPECT_TRUE(bench.log_in(next));
}

/// A serial line does not tell one host from the next: the old one is gone, in the middle of a record or not.
TEST(Channel, ANewHostOnTheSameLineGetsIn) {
    for (size_t left_over : {0, 5, 20}) {
        Bench bench(gdb, Protection::Mac);
        TestHost host(bench.alice, gdb, operator_role);
        ASSERT_TRUE(bench.log_in(host));
        auto unfinished = host.seal(std::string(30, 'x'));
        bench.line.send(Bytes(unfinished).first(left_over));
        TestHost next(bench.bob, gdb, observer_role);
        bench.line.send(bytes_of_value(next.hello));
        EXPECT_EQ(bench.read(), "");
        bench.channel.advance();
        next.take(bench.line.receive());
        ASSERT_TRUE(next.challenge) << left_over;
        next.make_proof();
        bench.exchange(next, bytes_of_value(next.proof));
        ASSERT_TRUE(next.accept && next.agree());
        EXPECT_EQ(bench.channel.role(), observer_role);
    }
}

TEST(Channel, AStoppedMachineLetsAHostInAndGoesOnWithIt) {
    for (auto protection : {Protection::None, Protection::Mac}) {
        Bench bench(gdb, protection);
        TestHost host(bench.alice, gdb, operator_role);
        bench.line.stopped = true;
        Bench::g_work_due = 0;
        bench.line.send(bytes_of_value(host.hello));
        EXPECT_TRUE(bench.channel.poll_stopped());
        host.take(bench.line.receive());
        ASSERT_TRUE(host.challenge);
        host.make_proof();
        bench.line.send(bytes_of_value(host.proof));
        EXPECT_TRUE(bench.channel.poll_stopped());
        host.take(bench.line.receive());
        ASSERT_TRUE(host.accept && host.agree());
        bool records = protection == Protection::Mac;
        bench.line.send(records ? host.seal("$g#67") : std::vector<std::byte>{std::byte{'$'}});
        EXPECT_TRUE(bench.channel.poll_stopped());
        EXPECT_EQ(bench.read(), records ? "$g#67" : "$");
        auto answer = bench.write("OK");
        EXPECT_EQ(records ? host.open(answer) : text_of(answer), "OK");
        EXPECT_EQ(Bench::g_work_due, 0U); // nobody could run
        // The world goes on.
        bench.line.stopped = false;
        EXPECT_EQ(bench.channel.role(), operator_role);
    }
}

/// A CPU was stopped while it computed; the leader does it again, and what the CPU brings later is stale.
TEST(Channel, WorkThatTheStoppedWorldHasDoneIsNotDoneTwice) {
    Bench bench;
    Handshake::Setup setup{gdb, Protection::None, bench.gate.keys, bench.gate.identity};
    Handshake handshake;
    TestHost host(bench.alice, gdb, operator_role);
    auto push = [&](Bytes bytes) {
        while (!bytes.empty()) {
            size_t count = std::min(bytes.size(), handshake.wanted());
            ASSERT_NE(count, 0U);
            handshake.push(setup, bytes.first(count), g_now);
            bytes = bytes.subspan(count);
        }
    };
    push(bytes_of_value(host.hello));
    auto slow = handshake.take_job();
    ASSERT_TRUE(slow);
    slow->perform(bench.primitives);
    auto quick = handshake.take_job();
    ASSERT_TRUE(quick);
    quick->perform(bench.primitives);
    handshake.commit(setup, *quick, g_now);
    host.take(handshake.output());
    handshake.commit(setup, *slow, g_now);
    auto first = *host.challenge;
    host.take(handshake.output());
    EXPECT_EQ(std::memcmp(&first, &*host.challenge, sizeof(first)), 0);
    handshake.sent(handshake.output().size());
    host.make_proof();
    push(bytes_of_value(host.proof));
    slow = handshake.take_job();
    slow->perform(bench.primitives);
    handshake.reset(g_now); // the host has gone meanwhile
    handshake.commit(setup, *slow, g_now);
    EXPECT_EQ(handshake.agreement(), nullptr);
    EXPECT_TRUE(handshake.output().empty());
}

TEST(Channel, TheOwnerSendsAPeerAway) {
    Bench bench(gdb, Protection::Mac);
    TestHost host(bench.alice, gdb, operator_role);
    ASSERT_TRUE(bench.log_in(host));
    bench.channel.end_session();
    EXPECT_EQ(host.open(bench.line.receive()), "");
    EXPECT_EQ(host.opener.wanted(), 0U); // it has heard the end
    EXPECT_EQ(bench.channel.role(), wire::Role::None);
    EXPECT_EQ(bench.log.back(), "ended alice 3 2");
    bench.channel.end_session();
}

TEST(Channel, InACrashAHostMayStillComeIn) {
    for (auto protection : {Protection::None, Protection::Mac}) {
        Bench bench(wire::ChannelKind::Crash, protection);
        TestHost host(bench.bob, wire::ChannelKind::Crash, observer_role);
        bench.line.stopped = true;
        std::byte some[64];
        EXPECT_EQ(bench.channel.polled_write(some, 10), base::fail(base::Error::BrokenPipe));
        bench.line.send(bytes_of_value(host.hello));
        bench.line.on_polled_write = [&] {
            host.take({std::vector(bench.line.to_host.begin(), bench.line.to_host.end())});
            bench.line.to_host.clear();
            if (!host.accept) {
                host.make_proof();
                bench.line.send(bytes_of_value(host.proof));
            }
        };
        ASSERT_TRUE(bench.channel.polled_authenticate(1000));
        bench.line.on_polled_write = nullptr;
        ASSERT_TRUE(host.accept && host.agree());
        std::string core(5000, 'c');
        ASSERT_TRUE(bench.channel.polled_write(as_bytes(std::span(core)), 10));
        ASSERT_TRUE(bench.channel.polled_flush(10));
        auto heard = bench.line.receive();
        EXPECT_EQ(protection == Protection::Mac ? host.open(heard) : text_of(heard), core);
        bench.line.send(protection == Protection::Mac ? host.seal("k") : std::vector<std::byte>{std::byte{'k'}});
        EXPECT_EQ(bench.channel.polled_read(some), 1U);
        EXPECT_EQ(some[0], std::byte{'k'});
    }
}

TEST(Channel, InACrashNobodyIsWaitedForForEver) {
    Bench bench(wire::ChannelKind::Crash);
    static uint64_t ticks;
    ticks = 0;
    Gate gate{bench.primitives, [] { return ticks += 1'000'000; }};
    ASSERT_TRUE(gate.keys.add_word(bench.bob.word("observer")));
    FakeLine line;
    GuardedChannel channel(wire::ChannelKind::Crash, gate);
    channel.start(line, Protection::None);
    EXPECT_EQ(channel.polled_authenticate(500), base::fail(base::Error::TimedOut));
    EXPECT_LE(ticks, 600'000'000U);
}

} // namespace
} // namespace auth::test
