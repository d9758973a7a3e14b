#include "RandomTrack.h"

#include "viewer/model/SpanLayout.h"

#include <gtest/gtest.h>

namespace viewer {
namespace {

TEST(SpanLayout, shows_each_wide_interval_by_itself) {
    Track track;
    track.append({.begin = 100, .end = 200, .label = 1, .color = hue(1)});
    track.append({.begin = 200, .end = 300, .label = 2, .color = hue(2)});
    track.finish();
    std::vector<Span> spans;
    layout_track(track, TimeScale({0, 400}, 400), spans);
    ASSERT_EQ(spans.size(), 2u);
    EXPECT_EQ(spans[0].x0, 100);
    EXPECT_EQ(spans[0].x1, 200);
    EXPECT_EQ(spans[1].x0, 200);
    EXPECT_EQ(spans[1].index, 1u);
    EXPECT_EQ(spans[1].color, hue(2));
}

TEST(SpanLayout, is_exact_at_hour_thirty) {
    constexpr Time late = 30LL * 3600 * 1'000'000'000;
    Track track;
    track.append({.begin = late + 10, .end = late + 60, .label = 1, .color = hue(1)});
    track.finish();
    std::vector<Span> spans;
    layout_track(track, TimeScale({late, late + 100}, 1000), spans);
    ASSERT_EQ(spans.size(), 1u);
    EXPECT_EQ(spans[0].x0, 100);
    EXPECT_EQ(spans[0].x1, 600);
}

TEST(SpanLayout, counts_every_interval_in_view_once_at_any_zoom) {
    RandomTrack random(11, 50'000);
    std::mt19937 numbers(12);
    std::vector<Span> spans;
    for (int round = 0; round < 300; ++round) {
        Time length = std::max<Time>(random.end() >> (round % 24), 100);
        Time begin = static_cast<Time>(numbers()) % std::max<Time>(1, random.end() - length);
        TimeRange visible{begin, begin + length};
        int width = 100 + static_cast<int>(numbers() % 1900);
        layout_track(random.track, TimeScale(visible, width), spans);
        std::uint32_t expected = 0;
        for (const Interval& interval : random.intervals)
            expected +=
                interval.begin < visible.end &&
                (interval.end > visible.begin || (interval.end == visible.begin && interval.begin == interval.end));
        std::uint32_t got = 0;
        int previous = -1;
        for (const Span& span : spans) {
            got += span.count;
            ASSERT_GE(span.x0, 0);
            ASSERT_LE(span.x1, width + 1);
            ASSERT_LT(span.x0, span.x1);
            ASSERT_GE(span.x0, previous); // from left to right
            previous = span.x0;
        }
        ASSERT_EQ(got, expected) << begin << "+" << length << " on " << width;
        ASSERT_LE(spans.size(), 2u * static_cast<unsigned>(width) + 2);
    }
}

TEST(SpanLayout, never_hides_a_wide_interval_among_narrow_ones) {
    // 1000 short ones, then one of half the width, and again.
    Track track;
    Time now = 0;
    for (int i = 0; i < 1000; ++i, now += 10)
        track.append({.begin = now, .end = now + 5, .label = 0, .color = hue(1)});
    track.append({.begin = now, .end = now + 10'000, .label = 1, .color = hue(2)});
    now += 10'000;
    for (int i = 0; i < 1000; ++i, now += 10)
        track.append({.begin = now, .end = now + 5, .label = 0, .color = hue(1)});
    track.finish();
    std::vector<Span> spans;
    for (int width = 20; width < 1000; width += 7) {
        layout_track(track, TimeScale({0, now}, width), spans);
        bool found = false;
        for (const Span& span : spans)
            found = found || (span.index == 1000 && span.count == 1 && span.x1 - span.x0 >= width / 3 - 2);
        EXPECT_TRUE(found) << width;
    }
}

TEST(SpanLayout, measures_how_much_of_a_pixel_is_covered) {
    Track track;
    for (int i = 0; i < 6400; ++i)
        track.append({.begin = i * 10, .end = i * 10 + 5, .label = 0, .color = hue(1)});
    track.finish();
    std::vector<Span> spans;
    layout_track(track, TimeScale({0, 64'000}, 100), spans);
    ASSERT_EQ(spans.size(), 100u);
    for (const Span& span : spans)
        EXPECT_NEAR(span.coverage, 0.5, 0.02);
}

} // namespace
} // namespace viewer
