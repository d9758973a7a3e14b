// The guest's end of the serial line in a world that has stopped, for a while or for good.
#include "tests/unit/links/MuxBench.h"

#include <gtest/gtest.h>

namespace links::test {
namespace {

class SerialMuxStop : public testing::Test {
public:
    void SetUp() override {
        bench.start();
        ASSERT_TRUE(bench.connect());
        ASSERT_TRUE(bench.run_until([&] { return bench.mux->channel(Channel::Gdb).read({}) == 0 && !bench.woken; }));
        bench.mux->channel(Channel::Gdb).set_event_handler(count, &events);
        bench.mux->channel(Channel::Control).set_event_handler(count, &events);
        events = 0;
    }
    static void count(void* self) { ++*static_cast<unsigned*>(self); }

    /// The leader polls; no interrupt is delivered and no thread runs.
    template <typename Done>
    bool poll_until(Done done) {
        auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
        while (!done()) {
            bench.move_line();
            if (!gdb.poll_stopped() || std::chrono::steady_clock::now() > end)
                return false;
        }
        return true;
    }
    /// On another thread, while the machine's only CPU polls.
    void serve_host(std::function<bool()> done, std::string* got = nullptr, SerialChannel id = SerialChannel::Crash) {
        while (!done()) {
            bench.move_line();
            if (got != nullptr)
                *got += bench.host->read(id);
        }
    }

    MuxBench bench;
    unsigned events = 0;
    drivers::ByteChannel& gdb = bench.mux->channel(Channel::Gdb);
};

TEST_F(SerialMuxStop, ExchangesByPollingAndTellsNobodyUntilTheWorldGoesOn) {
    bool damaged = false;
    for (int i = 0; i < 40; ++i) {
        if (i == 20) {
            bench.damage = noise(7);
            damaged = true;
        }
        std::string request = "request " + std::to_string(i), reply(300, static_cast<char>('a' + i % 26)), got;
        bench.host->write(SerialChannel::Gdb, request);
        bench.host->write(SerialChannel::Control, "beside");
        ASSERT_TRUE(poll_until([&] { return (got += read_all(gdb)) == request; }));
        size_t sent = 0;
        got.clear();
        ASSERT_TRUE(poll_until([&] {
            if (sent < reply.size())
                sent += gdb.write_some(bytes_of(reply).subspan(sent)).value_or(0);
            got += bench.host->read(SerialChannel::Gdb);
            return got == reply;
        }));
    }
    EXPECT_TRUE(damaged);
    EXPECT_EQ(events, 0u);
    EXPECT_FALSE(bench.woken);
    // The interrupt that waited since calls the handlers, and wakes the thread.
    bench.damage = {};
    ASSERT_TRUE(bench.device.take_edge());
    bench.machine.raise(4);
    EXPECT_GE(events, 2u);
    EXPECT_TRUE(bench.woken);
    std::string control;
    ASSERT_TRUE(
        bench.run_until([&] { return (control += read_all(bench.mux->channel(Channel::Control))).size() == 240; }));
}

TEST_F(SerialMuxStop, TheLastReplyOfAStopGoesOutThoughNobodyPolls) {
    // More than is sent at once, and the world goes on right after it was written.
    ASSERT_TRUE(gdb.poll_stopped());
    bench.device.take_edge();
    std::string reply(3000, 'r'), got;
    ASSERT_EQ(gdb.write_some(bytes_of(reply)), reply.size());
    EXPECT_TRUE(bench.device.take_edge());
    bench.machine.raise(4);
    EXPECT_TRUE(bench.woken);
    EXPECT_TRUE(bench.run_until([&] { return (got += bench.host->read(SerialChannel::Gdb)) == reply; }));
}

TEST_F(SerialMuxStop, ACpuThatIsGoneWithTheLockMakesItBusy) {
    // The world stops in the middle of the interrupt handler, of which the stopped CPU will not come back.
    std::optional<base::Result<>> answer, polled;
    std::optional<base::Result<size_t>> read;
    bench.device.on_access = [&] {
        if (answer)
            return;
        answer = gdb.poll_stopped();
        polled = gdb.polled_write(bytes_of("x"), 10);
        std::byte buffer[1];
        read = gdb.polled_read(buffer);
    };
    bench.machine.raise(4);
    bench.device.on_access = {};
    EXPECT_EQ(answer, base::fail(base::Error::Busy));
    EXPECT_EQ(polled, base::fail(base::Error::Busy));
    EXPECT_EQ(read, base::fail(base::Error::Busy));
}

TEST_F(SerialMuxStop, ACoreByPollingOverABadLine) {
    bench.damage = noise(8);
    auto& crash = bench.mux->channel(Channel::Crash);
    std::string core(20'000, 0), got;
    for (size_t i = 0; i < core.size(); ++i)
        core[i] = static_cast<char>(i * 7 + i / 251);
    std::atomic<bool> done = false;
    std::thread host([&] { serve_host([&] { return done.load(); }, &got); });
    auto address = reinterpret_cast<memory::PhysicalAddress>(core.data());
    EXPECT_TRUE(crash.polled_write(bytes_of(core).first(1000), 20'000));
    EXPECT_TRUE(crash.polled_write_pages(address + 1000, 19'000, 20'000));
    EXPECT_TRUE(crash.polled_flush(20'000));
    done = true;
    host.join();
    got += bench.host->read(SerialChannel::Crash);
    EXPECT_TRUE(got == core);
}

TEST_F(SerialMuxStop, AnswersAreReadByPolling) {
    auto& crash = bench.mux->channel(Channel::Crash);
    bench.host->write(SerialChannel::Crash, "acknowledged");
    std::string got;
    ASSERT_TRUE(bench.run_until([&] { return bench.host->link.is_settled(SerialChannel::Crash); }));
    std::byte buffer[100];
    auto count = crash.polled_read(buffer);
    ASSERT_TRUE(count);
    EXPECT_EQ(std::string(reinterpret_cast<char*>(buffer), *count), "acknowledged");
}

TEST_F(SerialMuxStop, AHostThatTakesNothingEndsThePolling) {
    auto& crash = bench.mux->channel(Channel::Crash);
    std::string core(20'000, 'c');
    // It goes on saying that it is there, and reads nothing.
    std::atomic<bool> done = false;
    std::thread host([&] { serve_host([&] { return done.load(); }); });
    EXPECT_EQ(crash.polled_write(bytes_of(core), 200), base::fail(base::Error::TimedOut));
    EXPECT_EQ(crash.polled_flush(200), base::fail(base::Error::TimedOut));
    done = true;
    host.join();
}

TEST_F(SerialMuxStop, TheReportOfACrashComesBehindWhatWasSaidBefore) {
    auto& console = bench.mux->channel(Channel::Console);
    std::string said(3000, 's'), got;
    ASSERT_EQ(console.write_some(bytes_of(said)), said.size());
    std::atomic<bool> done = false;
    std::thread host([&] {
        serve_host([&] {
            got += bench.host->read(SerialChannel::Console);
            return done.load();
        });
    });
    EXPECT_TRUE(console.polled_write(bytes_of("report\n"), 20'000));
    EXPECT_EQ(bench.mux->unacknowledged(Channel::Console), 0u);
    done = true;
    host.join();
    EXPECT_EQ(got, said);
}

TEST_F(SerialMuxStop, TheReportOfACrashIsClearWhateverWasGoingOut) {
    for (bool plain : {true, false}) {
        for (size_t cut : {0u, 1u, 5u, 16u, 40u}) {
            MuxBench crashing(plain);
            crashing.device.slow = true;
            crashing.start();
            ASSERT_TRUE(crashing.connect());
            auto& trace = crashing.mux->channel(Channel::Trace);
            if (cut != 0) {
                (void)trace.write_some(bytes_of(std::string(2000, 't')));
                // What the UART has taken of a frame so far; the line has sent some of that.
                for (size_t sent = 0; sent < cut; sent += 16) {
                    crashing.move_line();
                    if (crashing.device.take_edge())
                        crashing.machine.raise(4);
                }
            }
            crashing.device.slow = false; // polled_write() waits for it
            std::string report = "uniscope: kernel fault at 0x1234\n  and where it was\n";
            EXPECT_TRUE(crashing.mux->channel(Channel::Console).polled_write(bytes_of(report), 1000));
            // The core follows, in frames.
            (void)crashing.mux->channel(Channel::Crash).polled_write(bytes_of("core"), 1000);
            std::string core;
            ASSERT_TRUE(crashing.run_until([&] {
                (void)crashing.mux->channel(Channel::Crash).poll_stopped();
                return (core += crashing.host->read(SerialChannel::Crash)) == "core";
            }));
            EXPECT_EQ(crashing.host->text, report);
        }
    }
}

} // namespace
} // namespace links::test
