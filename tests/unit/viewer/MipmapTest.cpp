#include "RandomTrack.h"

#include <gtest/gtest.h>

namespace viewer {
namespace {

Summary by_hand(const RandomTrack& random, std::uint32_t first, std::uint32_t last) {
    Summary summary;
    for (std::uint32_t i = first; i < last; ++i) {
        Time duration = random.intervals[i].end - random.intervals[i].begin;
        summary.busy += duration;
        if (duration > summary.longest) {
            summary.longest = duration;
            summary.representative = i;
        }
    }
    summary.count = last - first;
    return summary;
}

TEST(Mipmap, agrees_with_a_sum_over_every_interval) {
    std::mt19937 random(7);
    for (std::uint32_t count : {0u, 1u, 63u, 64u, 65u, 127u, 128u, 4095u, 4096u, 4097u, 300'000u}) {
        RandomTrack track(count, count);
        for (int round = 0; round < 200; ++round) {
            std::uint32_t first = random() % (count + 1);
            std::uint32_t last = first + random() % (count - first + 1);
            Summary expected = by_hand(track, first, last);
            Summary got = track.track.summary(first, last);
            ASSERT_EQ(got.busy, expected.busy) << count << ": " << first << ".." << last;
            ASSERT_EQ(got.longest, expected.longest);
            ASSERT_EQ(got.count, expected.count);
            if (expected.longest >= 0) {
                // Of equally long ones any may stand for all.
                ASSERT_LT(got.representative, last);
                ASSERT_GE(got.representative, first);
                ASSERT_EQ(track.intervals[got.representative].end - track.intervals[got.representative].begin,
                          expected.longest);
            }
        }
    }
}

TEST(Mipmap, takes_the_colour_of_the_most_time) {
    Track track;
    for (int i = 0; i < 5000; ++i)
        track.append({.begin = i * 100,
                      .end = i * 100 + (i % 10 == 0 ? 90 : 5),
                      .label = 0,
                      .color = i % 10 == 0 ? hue(1) : hue(2)});
    track.finish();
    EXPECT_EQ(track.summary(0, 5000).color, hue(1));
    EXPECT_EQ(track.summary(1, 10).color, hue(2));
}

TEST(Mipmap, gives_points_a_colour_too) {
    Track track;
    for (int i = 0; i < 1000; ++i)
        track.append({.begin = i, .end = i, .label = 0, .color = hue(4)});
    track.finish();
    EXPECT_EQ(track.summary(0, 1000).color, hue(4));
    EXPECT_EQ(track.summary(0, 1000).busy, 0);
}

} // namespace
} // namespace viewer
