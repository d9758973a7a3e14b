#include "probes/Ring.h"

#include "probes/wire/Packet.h"
#include "tests/unit/probes/HostedCpu.h"

#include <gtest/gtest.h>

#include <limits>

namespace {

using probes::Mode;
using probes_test::HostedCpu;
using probes_test::HostedRing;

uint64_t g_now = 1000;
uint64_t fake_clock() {
    return g_now += 10;
}

constexpr size_t events_per_packet = (2048 - sizeof(wire::PacketHeader)) / 16;

void emit(HostedRing& ring, uint64_t value = 0, uint16_t id = 7) {
    auto reservation = ring->reserve(16);
    std::memcpy(reservation.payload().data(), &value, sizeof value);
    reservation.commit(id);
}

wire::PacketHeader header_of(const probes::Packet& packet) {
    auto header = wire::packet_header(packet.bytes);
    EXPECT_TRUE(header);
    return header.value_or(wire::PacketHeader{});
}

/// Reads all that is ready; returns the number of events, each of 16 bytes and committed.
uint64_t drain(HostedRing& ring, std::vector<wire::PacketHeader>* headers = nullptr) {
    uint64_t events = 0;
    while (auto packet = ring->front()) {
        auto header = header_of(*packet);
        EXPECT_EQ(header.content_size / 8, sizeof header + 16 * size_t{header.event_count});
        uint64_t previous = header.timestamp_begin;
        for (size_t offset = sizeof header; offset < header.content_size / 8; offset += 16) {
            uint64_t word;
            std::memcpy(&word, &packet->bytes[offset], sizeof word);
            EXPECT_EQ(wire::event_id(word), 7);
            uint64_t now = wire::extend_timestamp(word, previous);
            EXPECT_LT(now - previous, uint64_t{1} << 40);
            previous = now;
        }
        EXPECT_LE(previous, header.timestamp_end);
        events += header.event_count;
        if (headers != nullptr)
            headers->push_back(header);
        ring->release();
    }
    return events;
}

void expect_consistent(const std::vector<wire::PacketHeader>& headers) {
    for (size_t i = 1; i < headers.size(); ++i) {
        EXPECT_EQ(headers[i].packet_seq_num, headers[i - 1].packet_seq_num + 1);
        EXPECT_GE(headers[i].timestamp_begin, headers[i - 1].timestamp_end);
        EXPECT_EQ(headers[i].events_produced - headers[i - 1].events_produced,
                  headers[i].event_count + headers[i].events_discarded - headers[i - 1].events_discarded);
    }
}

TEST(Ring, RefusesImpossibleGeometry) {
    HostedCpu cpu;
    alignas(8) static std::byte storage[16384];
    probes::Ring ring;
    auto attach = [&](size_t size, size_t sub_buffer_size) {
        return ring.attach(cpu.block(), {.storage = {storage, size},
                                         .sub_buffer_size = sub_buffer_size,
                                         .cpu_id = 0,
                                         .mode = Mode::Streaming,
                                         .clock = fake_clock});
    };
    EXPECT_FALSE(attach(16384, 16384)); // one sub-buffer
    EXPECT_FALSE(attach(12288, 4096));
    EXPECT_FALSE(attach(16384, 1024));
    EXPECT_FALSE(attach(16384, 3000));
    EXPECT_TRUE(attach(16384, 8192));
}

TEST(Ring, EventBytes) {
    HostedCpu cpu;
    HostedRing ring(cpu.block(), 2, 2048, Mode::Streaming, fake_clock, 3);
    g_now = 0xabcd'0000'0000'1000; // only its low 48 bits are in an event
    {
        auto reservation = ring->reserve(24);
        EXPECT_EQ(reservation.payload().size(), 16u);
        EXPECT_EQ(ring.storage[11], wire::hole_header(24));
        EXPECT_EQ(cpu.block().depth.load(), 1u);
        std::memset(reservation.payload().data(), 0x5a, 12);
        reservation.commit(0x1234);
    }
    EXPECT_EQ(cpu.block().depth.load(), 0u);
    EXPECT_EQ(ring.storage[11], 0x0000'0000'100a'1234u);
    EXPECT_EQ(ring.storage[12], 0x5a5a5a5a5a5a5a5au);
    EXPECT_EQ(ring.storage[13], 0x5a5a5a5au);
    EXPECT_EQ(ring.storage[14], 0u);
    EXPECT_TRUE(ring->flush());
    auto packet = ring->front();
    ASSERT_TRUE(packet);
    auto header = header_of(*packet);
    EXPECT_EQ(header.cpu_id, 3u);
    EXPECT_EQ(header.event_count, 1u);
    EXPECT_EQ(header.events_produced, 1u);
    EXPECT_EQ(header.content_size, (88 + 24) * 8u);
    EXPECT_EQ(header.packet_size, 2048 * 8u);
}

TEST(Ring, FullStreamingRingDiscardsAndCounts) {
    HostedCpu cpu;
    HostedRing ring(cpu.block(), 4, 2048, Mode::Streaming, fake_clock);
    std::vector<wire::PacketHeader> headers;
    uint64_t produced = 0, delivered = 0;
    for (int round = 0; round < 50; ++round) {
        for (size_t i = 0; i < events_per_packet * (round % 7); ++i, ++produced)
            emit(ring);
        if (round % 3 == 0)
            delivered += drain(ring, &headers);
    }
    for (int i = 0; i < 2; ++i) {
        EXPECT_TRUE(ring->flush());
        delivered += drain(ring, &headers);
    }
    auto totals = ring->totals();
    EXPECT_EQ(totals.produced(), produced);
    EXPECT_GT(totals.discarded, 0u);
    EXPECT_EQ(totals.overwritten, 0u);
    EXPECT_EQ(delivered + totals.discarded, produced);
    EXPECT_EQ(headers.back().events_produced, produced);
    EXPECT_EQ(headers.back().events_discarded, totals.discarded);
    expect_consistent(headers);
}

TEST(Ring, FlightRecorderOverwritesAndCounts) {
    HostedCpu cpu;
    HostedRing ring(cpu.block(), 4, 2048, Mode::Overwrite, fake_clock);
    constexpr uint64_t produced = events_per_packet * 10 + 5;
    for (uint64_t i = 0; i < produced; ++i)
        emit(ring, i);
    EXPECT_EQ(ring->totals().overwritten, events_per_packet * 7);
    EXPECT_EQ(ring->totals().discarded, 0u);

    ring->start_streaming(probes::Ring::History::Keep);
    std::vector<wire::PacketHeader> headers;
    uint64_t delivered = drain(ring, &headers);
    EXPECT_EQ(delivered, events_per_packet * 2 + 5);
    EXPECT_EQ(headers.front().packet_seq_num, 8u);
    EXPECT_EQ(delivered + ring->totals().overwritten, produced);
    expect_consistent(headers);

    emit(ring);
    ring->stop_streaming();
    for (uint64_t i = 0; i < events_per_packet * 10; ++i)
        emit(ring, i);
    ring->start_streaming(probes::Ring::History::Drop);
    EXPECT_FALSE(ring->front());
    emit(ring);
    EXPECT_TRUE(ring->flush());
    EXPECT_EQ(drain(ring), 1u);
    EXPECT_EQ(delivered + 1 + ring->totals().overwritten, ring->totals().produced());
}

TEST(Ring, CountersGoOnAcrossTheirLimits) {
    for (auto mode : {Mode::Streaming, Mode::Overwrite}) {
        HostedCpu cpu;
        uint64_t first_count = 0x7'ffff'ffff - 100;
        uint64_t first_sequence = 0xffff'ffff - 1;
        HostedRing ring(cpu.block(), 2, 2048, mode, fake_clock, 0, first_sequence, first_count);
        uint64_t delivered = 0;
        for (uint64_t i = 0; i < events_per_packet * 5; ++i) {
            emit(ring);
            EXPECT_EQ(ring->totals().recorded, first_count + i + 1);
            if (mode == Mode::Streaming)
                delivered += drain(ring);
        }
        if (mode == Mode::Overwrite)
            ring->start_streaming(probes::Ring::History::Keep);
        ring->flush();
        delivered += drain(ring);
        EXPECT_EQ(delivered + ring->totals().overwritten + ring->totals().discarded, events_per_packet * 5);
        EXPECT_EQ(ring->totals().discarded, 0u);
    }
}

TEST(Ring, PacketWithAnOpenReservationIsNotPublished) {
    for (auto mode : {Mode::Streaming, Mode::Overwrite}) {
        HostedCpu cpu;
        HostedRing ring(cpu.block(), 4, 2048, mode, fake_clock);
        auto outer = ring->reserve(16);
        // Interrupts come before it commits, and fill packets.
        for (size_t i = 0; i < events_per_packet * 20; ++i)
            emit(ring);
        EXPECT_FALSE(ring->front());
        EXPECT_FALSE(ring->flush());
        EXPECT_FALSE(ring->front());
        EXPECT_GT(ring->totals().discarded, 0u); // not even a flight recorder takes the outer one's place away
        EXPECT_EQ(ring->totals().overwritten, 0u);
        outer.commit(7);
        if (mode == Mode::Overwrite)
            ring->start_streaming(probes::Ring::History::Keep);
        EXPECT_TRUE(ring->flush());
        uint64_t delivered = drain(ring);
        EXPECT_TRUE(ring->flush());
        delivered += drain(ring);
        EXPECT_EQ(delivered + ring->totals().discarded + ring->totals().overwritten, events_per_packet * 20 + 1);
    }
}

TEST(Ring, NestedReservationsCommitInAnyOrderOfPlaces) {
    HostedCpu cpu;
    HostedRing ring(cpu.block(), 4, 2048, Mode::Streaming, fake_clock);
    auto outer = ring->reserve(16);
    auto inner = ring->reserve(16);
    inner.commit(7);
    outer.commit(7);
    EXPECT_TRUE(ring->flush());
    EXPECT_EQ(drain(ring), 2u);
}

TEST(Ring, TickClosesAPacketBeforeItsTimestampsRunOut) {
    HostedCpu cpu;
    HostedRing ring(cpu.block(), 4, 2048, Mode::Streaming, fake_clock);
    emit(ring);
    ring->tick();
    EXPECT_FALSE(ring->front());
    g_now += wire::max_packet_ticks / 2;
    ring->tick();
    auto packet = ring->front();
    ASSERT_TRUE(packet);
    EXPECT_EQ(header_of(*packet).event_count, 1u);
    ring->release();
    g_now += wire::max_packet_ticks / 2;
    ring->tick(); // an empty one too: its timestamp_begin would be too far from the next event
    ASSERT_TRUE(ring->front());
    EXPECT_EQ(header_of(*ring->front()).event_count, 0u);
}

TEST(Ring, FlushTellsOfLossesEvenWithoutEvents) {
    HostedCpu cpu;
    HostedRing ring(cpu.block(), 2, 2048, Mode::Streaming, fake_clock);
    for (size_t i = 0; i < events_per_packet * 3; ++i)
        emit(ring);
    std::vector<wire::PacketHeader> headers;
    ring->flush();
    drain(ring, &headers);
    ring->flush();
    drain(ring, &headers);
    EXPECT_EQ(headers.back().event_count, 0u);
    EXPECT_EQ(headers.back().events_discarded, events_per_packet);
    EXPECT_TRUE(ring->flush());
    EXPECT_FALSE(ring->front());
}

TEST(Ring, DeadMachinesOpenPacketIsRepaired) {
    HostedCpu cpu;
    HostedRing ring(cpu.block(), 2, 2048, Mode::Overwrite, fake_clock);
    for (uint64_t i = 0; i < 3; ++i)
        emit(ring, i);
    auto lost = ring->reserve(32);
    emit(ring, 3);
    const auto& descriptor = ring->descriptor();
    EXPECT_EQ(descriptor.storage, reinterpret_cast<uint64_t>(ring.storage.data()));

    std::vector<std::byte> copy(2048);
    std::memcpy(copy.data(), ring.storage.data(), copy.size());
    auto size_of = [](uint16_t, std::span<const std::byte>) { return std::optional<size_t>(16); };
    auto result = wire::repair_packet(std::span(copy), descriptor.events_discarded, 0, size_of);
    ASSERT_TRUE(result);
    EXPECT_EQ(result->events, 4u);
    EXPECT_EQ(result->holes, 1u);
    EXPECT_FALSE(result->torn);
    auto header = wire::packet_header(copy);
    ASSERT_TRUE(header);
    EXPECT_EQ(header->content_size, (88 + 4 * 16) * 8u);
    EXPECT_EQ(header->events_produced, 5u);
    EXPECT_EQ(header->events_discarded, 1u);
    EXPECT_EQ(header->timestamp_end, g_now);
    uint64_t value;
    std::memcpy(&value, &copy[88 + 3 * 16 + 8], sizeof value);
    EXPECT_EQ(value, 3u);
    lost.commit(7);
}

} // namespace
