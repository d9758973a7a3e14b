#include "probes/serial/Streams.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace serial {
namespace {

using Bytes = std::vector<uint8_t>;

TEST(SerialIntervals, AgainstASetOfPlaces) {
    std::mt19937 random(1);
    for (Place base : {0, 65000, 30000}) {
        Intervals<6> intervals;
        std::vector<bool> known(600);
        for (int step = 0; step < 3000; ++step) {
            if (random() % 20 == 0) {
                auto before = random() % 600;
                intervals.remove_before(static_cast<Place>(base + before));
                std::fill_n(known.begin(), before, false);
            } else {
                auto begin = random() % 560, size = 1 + random() % 40;
                if (intervals.add({static_cast<Place>(base + begin), static_cast<Place>(base + begin + size)}))
                    std::fill_n(known.begin() + static_cast<ptrdiff_t>(begin), size, true);
                else
                    EXPECT_EQ(intervals.count(), 6u);
            }
            std::vector<bool> seen(600);
            for (size_t i = 0; i < intervals.count(); ++i) {
                for (Place at = intervals[i].begin; at != intervals[i].end; ++at)
                    seen[static_cast<Place>(at - base)] = true;
            }
            ASSERT_EQ(seen, known);
        }
    }
}

TEST(SerialIntervals, WithoutRoomMoreIsTakenInRatherThanLess) {
    std::mt19937 random(2);
    for (int round = 0; round < 500; ++round) {
        Intervals<4> intervals;
        std::vector<bool> wanted(1000);
        for (int i = 0; i < 30; ++i) {
            auto begin = random() % 990, size = 1 + random() % 10;
            intervals.add_generously({static_cast<Place>(begin), static_cast<Place>(begin + size)});
            std::fill_n(wanted.begin() + static_cast<ptrdiff_t>(begin), size, true);
        }
        for (size_t i = 0; i < intervals.count(); ++i)
            std::fill(wanted.begin() + intervals[i].begin, wanted.begin() + intervals[i].end, false);
        ASSERT_EQ(std::count(wanted.begin(), wanted.end(), true), 0);
    }
}

struct Pair {
    explicit Pair(size_t send_size = 256, size_t receive_size = 256)
        : send_ring(send_size)
        , receive_ring(receive_size) {
        sender.reset(static_cast<Place>(receive_size));
        receiver.reset();
    }
    Bytes send_ring, receive_ring;
    SendStream sender{send_ring};
    ReceiveStream receiver{receive_ring};
};

/// Pieces of any size lost, repeated and out of order, round the counter several times; every byte once and in order.
TEST(SerialStreams, DeliverOnceInOrder) {
    std::mt19937 random(3);
    Pair pair;
    struct Piece {
        Range range;
        Bytes bytes;
    };
    std::vector<Piece> line;
    uint32_t written = 0, read = 0;
    auto byte_at = [](uint32_t i) { return static_cast<uint8_t>(i * 7 + (i >> 8)); };
    while (read < 300'000) {
        Bytes more(random() % 100);
        for (size_t i = 0; i < more.size(); ++i)
            more[i] = byte_at(written + static_cast<uint32_t>(i));
        written += static_cast<uint32_t>(pair.sender.write(more));
        while (pair.sender.has_more() && random() % 4 != 0) {
            Piece piece;
            piece.bytes.resize(1 + random() % 60);
            piece.range = pair.sender.take(piece.bytes.size(), piece.bytes.data());
            piece.bytes.resize(piece.range.size());
            line.push_back(piece);
        }
        if (!line.empty()) {
            auto index = random() % line.size();
            auto piece = line[index];
            if (random() % 8 != 0)
                line.erase(line.begin() + static_cast<ptrdiff_t>(index));
            if (random() % 3 == 0 ||
                pair.receiver.accept(piece.range.begin, piece.bytes) == ReceiveStream::Verdict::Refused)
                pair.sender.lose(piece.range);
        }
        Bytes out(random() % 80);
        size_t count = pair.receiver.read(out);
        for (size_t i = 0; i < count; ++i)
            ASSERT_EQ(out[i], byte_at(read++));
        if (random() % 2 == 0) {
            ASSERT_TRUE(pair.sender.acknowledge(pair.receiver.next(), pair.receiver.limit()));
        }
        // Repetitions on this line are older than any on a real one; two windows is what a peer may do.
        std::erase_if(line,
                      [&](const Piece& piece) { return distance(piece.range.begin, pair.receiver.next()) > 256; });
        if (line.empty() && !pair.sender.has_more() &&
            pair.sender.acknowledge(pair.receiver.next(), pair.receiver.limit()))
            pair.sender.lose_rest();
    }
}

TEST(SerialStreams, NothingIsSentBeyondTheWindow) {
    Pair pair(256, 64);
    Bytes bytes(256, 'x');
    EXPECT_EQ(pair.sender.write(bytes), 256u);
    EXPECT_EQ(pair.sender.take(1000, bytes.data()), (Range{0, 64}));
    EXPECT_FALSE(pair.sender.has_more());
    EXPECT_TRUE(pair.sender.is_blocked());
    EXPECT_EQ(pair.receiver.accept(0, std::span(bytes).first(64)), ReceiveStream::Verdict::Taken);
    EXPECT_TRUE(pair.sender.acknowledge(pair.receiver.next(), pair.receiver.limit()));
    EXPECT_TRUE(pair.sender.is_blocked());
    pair.receiver.read(std::span(bytes).first(10));
    EXPECT_TRUE(pair.sender.acknowledge(pair.receiver.next(), pair.receiver.limit()));
    EXPECT_EQ(pair.sender.take(1000, bytes.data()), (Range{64, 74}));
}

TEST(SerialStreams, WhatWasNotPromisedIsRefused) {
    Pair pair(256, 64);
    Bytes bytes(65, 'x');
    EXPECT_EQ(pair.receiver.accept(0, bytes), ReceiveStream::Verdict::Refused);
    EXPECT_EQ(pair.receiver.accept(64, std::span(bytes).first(1)), ReceiveStream::Verdict::Refused);
    EXPECT_EQ(pair.receiver.accept(40000, std::span(bytes).first(1)), ReceiveStream::Verdict::Refused);
    EXPECT_EQ(pair.receiver.readable(), 0u);
    EXPECT_EQ(pair.receiver.accept(63, std::span(bytes).first(1)), ReceiveStream::Verdict::Taken);
    EXPECT_EQ(pair.receiver.readable(), 0u);
    EXPECT_EQ(pair.receiver.accept(static_cast<Place>(-3), std::span(bytes).first(2)), ReceiveStream::Verdict::Taken);
    EXPECT_EQ(pair.receiver.accept(static_cast<Place>(-3), std::span(bytes).first(5)), ReceiveStream::Verdict::Taken);
    EXPECT_EQ(pair.receiver.readable(), 2u);
}

TEST(SerialStreams, AcknowledgementsThatCannotBeAreRefused) {
    Pair pair;
    Bytes bytes(100, 'x');
    pair.sender.write(bytes);
    pair.sender.take(50, bytes.data());
    EXPECT_FALSE(pair.sender.acknowledge(51, 300));   // not sent yet
    EXPECT_FALSE(pair.sender.acknowledge(10, 200));   // takes room back
    EXPECT_FALSE(pair.sender.acknowledge(10, 20000)); // more than there can be
    EXPECT_FALSE(pair.sender.acknowledge(static_cast<Place>(-1), 256));
    EXPECT_EQ(pair.sender.room(), 156u);
    EXPECT_TRUE(pair.sender.acknowledge(50, 300));
    EXPECT_FALSE(pair.sender.acknowledge(49, 300));
    EXPECT_EQ(pair.sender.room(), 206u);
}

} // namespace
} // namespace serial
