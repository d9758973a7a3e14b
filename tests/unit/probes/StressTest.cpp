// The ring under threads and signals: run under ThreadSanitizer, as an executable of its own.
//
// Each producer thread is a CPU: its GS base points to its block, its probes are the very machine code of an image, and
// a timer's signals are its interrupts: the handler emits events wherever the thread stands, in the middle of a
// reservation and of a sub-buffer switch too. One consumer thread reads all rings. Every event is counted by its
// producer.
#include "libos/base/Assert.h"
#include "probes/Probe.h"
#include "probes/wire/Packet.h"
#include "tests/unit/probes/HostedCpu.h"

#include <gtest/gtest.h>

#include <csignal>
#include <ctime>
#include <thread>

namespace {

using probes_test::HostedCpu;
using probes_test::HostedPatcher;
using probes_test::HostedRing;

constexpr uint32_t mark = 0x600df00d;

/// What the signal handler of a thread needs. Only that thread, and its own handler, use it.
struct Producer {
    uint64_t emitted = 0;     // by the thread
    uint64_t interrupted = 0; // by its signal handler
};
thread_local Producer* t_producer = nullptr;

void emit_one(uint64_t sequence) {
    UNISCOPE_PROBE(stress, one, UNISCOPE_INT(mark, mark), UNISCOPE_INT(sequence, sequence));
}

void emit_long(uint64_t sequence) {
    UNISCOPE_PROBE(stress, two, UNISCOPE_INT(mark, mark), UNISCOPE_INT(sequence, sequence),
                   UNISCOPE_STRING(text, "text whose length is not a multiple of eight", 64));
}

void interrupt(int) {
    for (unsigned i = 0; i < 3; ++i) {
        emit_one(t_producer->interrupted);
        t_producer->interrupted += 1;
    }
}

/// Delivers SIGRTMIN to the calling thread every 50 microseconds of its CPU time.
class InterruptSource {
public:
    InterruptSource() {
        struct sigaction action = {};
        action.sa_handler = interrupt;
        action.sa_flags = SA_RESTART;
        sigaction(SIGRTMIN, &action, nullptr);
        sigevent event = {};
        event.sigev_notify = SIGEV_THREAD_ID;
        event.sigev_signo = SIGRTMIN;
        event._sigev_un._tid = static_cast<pid_t>(syscall(SYS_gettid));
        EXPECT_EQ(timer_create(CLOCK_MONOTONIC, &event, &m_timer), 0);
        itimerspec period = {.it_interval = {0, 50'000}, .it_value = {0, 50'000}};
        EXPECT_EQ(timer_settime(m_timer, 0, &period, nullptr), 0);
    }
    ~InterruptSource() { timer_delete(m_timer); }

private:
    timer_t m_timer{};
};

/// What a consumer has read from one ring.
struct Delivered {
    uint64_t events = 0;
    uint64_t discarded = 0; // as the last packet says
    uint64_t produced = 0;
    uint64_t next_sequence = 0;
    uint64_t last_timestamp = 0;
    bool began = false;

    void take(const probes::Packet& packet, std::span<const wire::EventDescriptor> descriptors) {
        auto header = wire::packet_header(packet.bytes);
        ASSERT(header);
        ASSERT(!began || header->packet_seq_num == next_sequence);
        next_sequence = header->packet_seq_num + 1;
        ASSERT(header->timestamp_begin >= last_timestamp);
        last_timestamp = header->timestamp_begin;
        auto bytes = packet.bytes.first(header->content_size / 8);
        uint64_t count = 0;
        for (size_t offset = sizeof *header; offset < bytes.size();) {
            uint64_t word;
            std::memcpy(&word, &bytes[offset], sizeof word);
            ASSERT(wire::event_id(word) != wire::hole_id && wire::event_id(word) <= descriptors.size());
            uint64_t timestamp = wire::extend_timestamp(word, last_timestamp);
            ASSERT(timestamp - last_timestamp < (uint64_t{1} << 47)); // in order: a step back looks like 2^48
            last_timestamp = timestamp;
            uint32_t found;
            std::memcpy(&found, &bytes[offset + 8], sizeof found);
            ASSERT(found == mark);
            const auto& event = descriptors[wire::event_id(word) - 1];
            auto size =
                wire::event_size({reinterpret_cast<const wire::FieldDescriptor*>(event.fields), event.field_count},
                                 bytes.subspan(offset));
            ASSERT(size);
            offset += *size;
            ++count;
        }
        ASSERT(count == header->event_count);
        ASSERT(header->timestamp_end >= last_timestamp);
        last_timestamp = header->timestamp_end;
        ASSERT(!began || header->events_produced - produced == count + header->events_discarded - discarded);
        began = true;
        produced = header->events_produced;
        discarded = header->events_discarded;
        events += count;
    }
};

struct Cpu {
    Cpu(uint32_t id, probes::Mode mode)
        : ring(cpu.block(), 4, 4096, mode, probes_test::read_tsc, id) {}

    HostedCpu cpu;
    HostedRing ring;
    Producer producer;
    Delivered delivered;
};

class Stress : public testing::Test {
protected:
    Stress() {
        EXPECT_TRUE(m_registry.assign_ids());
        EXPECT_TRUE(m_registry.set_enabled("stress:*", true, m_patcher));
    }
    ~Stress() override { EXPECT_TRUE(m_registry.set_enabled("*", false, m_patcher)); }

    /// The body of a producer thread: emits until told to stop, switching its recording like IPIs would.
    void produce(Cpu& cpu, const std::atomic<bool>& stop) {
        cpu.cpu.enter();
        t_producer = &cpu.producer;
        InterruptSource interrupts;
        for (uint64_t i = 0; !stop.load(std::memory_order_relaxed); ++i) {
            (i % 7 == 0 ? emit_long : emit_one)(cpu.producer.emitted);
            cpu.producer.emitted += 1;
            if (i % 50'000 == 0)
                flush(cpu);
        }
    }

    /// The kernel masks interrupts around what belongs to the owner; here the signal is.
    template <typename Function>
    static auto without_interrupts(Function&& function) {
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_BLOCK, &all, &before);
        auto result = function();
        pthread_sigmask(SIG_SETMASK, &before, nullptr);
        return result;
    }

    static bool flush(Cpu& cpu) {
        return without_interrupts([&] { return cpu.ring->flush(); });
    }

    void drain(Cpu& cpu) {
        while (auto packet = cpu.ring->front()) {
            cpu.delivered.take(*packet, m_registry.events());
            cpu.ring->release();
        }
    }

    probes::Registry m_registry = probes::Registry::of_image();
    HostedPatcher m_patcher;
};

TEST_F(Stress, StreamingAccountsForEveryEvent) {
    std::vector<std::unique_ptr<Cpu>> cpus;
    cpus.reserve(3);
    for (uint32_t id = 0; id < 3; ++id)
        cpus.push_back(std::make_unique<Cpu>(id, probes::Mode::Streaming));
    std::atomic<bool> stop{false}, producers_done{false};
    std::vector<std::thread> producers;
    producers.reserve(cpus.size());
    for (auto& cpu : cpus)
        producers.emplace_back([&, cpu = cpu.get()] {
            produce(*cpu, stop);
            EXPECT_TRUE(flush(*cpu));
        });
    std::thread consumer([&] {
        while (!producers_done.load(std::memory_order_acquire))
            for (auto& cpu : cpus)
                drain(*cpu);
    });
    std::this_thread::sleep_for(std::chrono::seconds(2));
    stop.store(true);
    for (auto& thread : producers)
        thread.join();
    producers_done.store(true, std::memory_order_release);
    consumer.join();
    for (auto& cpu : cpus) {
        drain(*cpu);
        cpu->cpu.enter();
        EXPECT_TRUE(cpu->ring->flush());
        drain(*cpu);
        uint64_t emitted = cpu->producer.emitted + cpu->producer.interrupted;
        auto totals = cpu->ring->totals();
        EXPECT_GT(cpu->producer.interrupted, 0u);
        EXPECT_EQ(totals.produced(), emitted);
        EXPECT_EQ(cpu->delivered.events + totals.discarded, emitted);
        EXPECT_EQ(cpu->delivered.discarded, totals.discarded);
        EXPECT_EQ(cpu->delivered.produced, emitted);
        EXPECT_GT(totals.discarded, 0u);
        EXPECT_GT(cpu->delivered.events, 1000u);
        EXPECT_EQ(cpu->cpu.block().depth.load(), 0u);
    }
}

TEST_F(Stress, SnapshotsOfAFlightRecorderAccountForEveryEvent) {
    Cpu cpu(0, probes::Mode::Overwrite);
    std::atomic<bool> stop{false};
    std::atomic<bool> done{false};
    std::atomic<bool> streaming{false}; // the consumer may read ...
    std::atomic<bool> reading{false};   // ... and does
    std::thread producer([&] {
        cpu.cpu.enter();
        t_producer = &cpu.producer;
        InterruptSource interrupts;
        auto emit = [&] { emit_one(cpu.producer.emitted++); };
        while (!stop.load(std::memory_order_relaxed)) {
            for (int i = 0; i < 20'000; ++i)
                emit();
            uint64_t end = without_interrupts([&] {
                cpu.ring->start_streaming(probes::Ring::History::Keep);
                return cpu.ring->ready();
            });
            streaming.store(true);
            while (cpu.ring->released() < end)
                emit();
            streaming.store(false);
            while (reading.load())
                std::this_thread::yield();
            without_interrupts([&] {
                cpu.ring->stop_streaming();
                return 0;
            });
        }
        without_interrupts([&] {
            cpu.ring->start_streaming(probes::Ring::History::Keep);
            return 0;
        });
    });
    std::thread consumer([&] {
        while (!done.load()) {
            reading.store(true);
            if (streaming.load()) {
                cpu.delivered.began = false; // packets were overwritten since the last snapshot
                drain(cpu);
            }
            reading.store(false);
            std::this_thread::yield();
        }
    });
    std::this_thread::sleep_for(std::chrono::seconds(2));
    stop.store(true);
    producer.join();
    done.store(true);
    consumer.join();
    cpu.cpu.enter();
    for (int i = 0; i < 2; ++i) {
        EXPECT_TRUE(cpu.ring->flush());
        cpu.delivered.began = false;
        drain(cpu);
    }
    uint64_t emitted = cpu.producer.emitted + cpu.producer.interrupted;
    auto totals = cpu.ring->totals();
    EXPECT_EQ(totals.produced(), emitted);
    EXPECT_EQ(cpu.delivered.events + totals.discarded + totals.overwritten, emitted);
    EXPECT_GT(totals.overwritten, 0u);
}

} // namespace
