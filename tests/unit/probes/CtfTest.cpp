// Golden bytes: a change here is a change of the trace format and needs a new wire::trace_format_version.
#include "probes/wire/Ctf.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cstring>

namespace {

template <typename T>
std::array<uint8_t, sizeof(T)> bytes_of(const T& value) {
    return std::bit_cast<std::array<uint8_t, sizeof(T)>>(value);
}

TEST(Ctf, PacketHeaderGolden) {
    wire::PacketHeader header{};
    header.magic = wire::packet_magic;
    for (uint8_t i = 0; i < 16; ++i)
        header.uuid[i] = i;
    header.stream_id = 0x03020100;
    header.timestamp_begin = 0x0706050403020100;
    header.timestamp_end = 0x1716151413121110;
    header.content_size = 0x2726252423222120;
    header.packet_size = 0x3736353433323130;
    header.packet_seq_num = 0x4746454443424140;
    header.events_discarded = 0x5756555453525150;
    header.events_produced = 0x6766656463626160;
    header.cpu_id = 0x73727170;
    header.event_count = 0x77767574;
    std::array<uint8_t, 88> golden{0xc1, 0x1f, 0xfc, 0xc1};
    for (uint8_t i = 0; i < 16; ++i)
        golden[4 + i] = i;
    for (uint8_t i = 0; i < 4; ++i)
        golden[20 + i] = i;
    for (uint8_t word = 0; word < 8; ++word)
        for (uint8_t i = 0; i < 8; ++i)
            golden[24 + 8 * word + i] = static_cast<uint8_t>(16 * word + i);
    EXPECT_EQ(bytes_of(header), golden);
    EXPECT_EQ(wire::trace_format_version, 1u);
}

TEST(Ctf, EventHeaderGolden) {
    EXPECT_EQ(wire::event_header(0x1234, 0xabcd'0a0b'0c0d'0e0f), 0x0a0b'0c0d'0e0f'1234u);
    EXPECT_EQ(wire::hole_header(24), 0x18'0000u);
    EXPECT_EQ(wire::event_id(wire::hole_header(1024)), wire::hole_id);
    EXPECT_EQ(wire::hole_size(wire::hole_header(1024)), 1024u);
}

TEST(Ctf, TimestampsExtendAcrossTheirWrap) {
    uint64_t base = 0x7'ffff'ffff'fff0;
    EXPECT_EQ(wire::extend_timestamp(wire::event_header(1, base), base), base);
    EXPECT_EQ(wire::extend_timestamp(wire::event_header(1, base + 0x20), base), base + 0x20);
    EXPECT_EQ(wire::extend_timestamp(wire::event_header(1, base + wire::max_packet_ticks), base),
              base + wire::max_packet_ticks);
}

TEST(Ctf, IdsOfFamiliesAndOthers) {
    wire::IdAssigner ids;
    EXPECT_EQ(ids.next(0), 1u);
    EXPECT_EQ(ids.next(512), 0x8000u);
    EXPECT_EQ(ids.next(0), 3u);
    EXPECT_EQ(ids.next(512), 0x8200u);
    EXPECT_EQ(ids.next(0x8000), 0u);
    EXPECT_EQ(ids.next(0x7c00), 0x8400u);
    EXPECT_EQ(ids.next(1), 0u);
}

TEST(Ctf, OrdinaryIdsEndBelowTheFamilies) {
    wire::IdAssigner ids;
    for (uint32_t i = 1; i < wire::first_family_id; ++i)
        ASSERT_EQ(ids.next(0), i);
    EXPECT_EQ(ids.next(0), 0u);
}

} // namespace
