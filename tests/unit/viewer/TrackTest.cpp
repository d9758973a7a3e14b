#include "RandomTrack.h"

#include <gtest/gtest.h>

namespace viewer {
namespace {

TEST(Track, finds_the_first_interval_that_ends_after_a_time) {
    RandomTrack random(1, 2000);
    std::mt19937 times(2);
    for (int round = 0; round < 2000; ++round) {
        Time t = static_cast<Time>(times() % static_cast<unsigned>(random.end() + 10));
        if (round % 3 == 0)
            t = random.intervals[times() % 2000].end;
        std::uint32_t expected = 0;
        while (expected < 2000) {
            const Interval& interval = random.intervals[expected];
            if (interval.end > t || (interval.end == t && interval.begin == t))
                break;
            ++expected;
        }
        ASSERT_EQ(random.track.first_ending_after(t), expected) << t;
    }
}

TEST(Track, finds_the_first_interval_that_begins_at_a_time_from_any_start) {
    RandomTrack random(3, 2000);
    std::mt19937 times(4);
    for (int round = 0; round < 2000; ++round) {
        Time t = static_cast<Time>(times() % static_cast<unsigned>(random.end() + 10));
        std::uint32_t from = times() % 2001;
        std::uint32_t expected = from;
        while (expected < 2000 && random.intervals[expected].begin < t)
            ++expected;
        ASSERT_EQ(random.track.first_beginning_at(t, from), expected) << t << " from " << from;
    }
}

TEST(Track, measures_cover_exactly) {
    RandomTrack random(5, 3000);
    std::mt19937 times(6);
    for (int round = 0; round < 500; ++round) {
        Time a = static_cast<Time>(times() % static_cast<unsigned>(random.end()));
        Time b = a + static_cast<Time>(times() % static_cast<unsigned>(random.end()));
        Time covered = 0;
        Time counted = 0;
        for (const Interval& interval : random.intervals) {
            Time inside = TimeRange{interval.begin, interval.end}.intersected({a, b}).length();
            covered += inside;
            counted += interval.color == hue(3) ? inside : 0;
        }
        ASSERT_EQ(random.track.covered({a, b}), covered) << a << ".." << b;
        ASSERT_EQ(random.track.covered_by_counted({a, b}), counted) << a << ".." << b;
    }
}

TEST(Track, cuts_what_overlaps_its_predecessor) {
    Track track;
    track.append({.begin = 10, .end = 20});
    track.append({.begin = 15, .end = 25});
    track.append({.begin = 5, .end = 8});
    track.finish();
    EXPECT_EQ(track.range(1), (TimeRange{20, 25}));
    EXPECT_EQ(track.range(2), (TimeRange{25, 25}));
}

} // namespace
} // namespace viewer
