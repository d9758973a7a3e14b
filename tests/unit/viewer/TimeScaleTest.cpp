#include "viewer/model/TimeScale.h"

#include <gtest/gtest.h>

#include <cmath>

namespace viewer {
namespace {

constexpr TimeRange whole{0, 1'000'000'000};

TEST(TimeScale, maps_times_to_pixels_and_back) {
    TimeScale scale({1000, 2000}, 500);
    EXPECT_DOUBLE_EQ(scale.x_of(1000), 0);
    EXPECT_DOUBLE_EQ(scale.x_of(1500), 250);
    EXPECT_DOUBLE_EQ(scale.x_of(500), -250);
    EXPECT_EQ(scale.time_at(250), 1500);
    EXPECT_EQ(scale.time_at(-1), 998);
}

TEST(TimeScale, keeps_the_time_under_the_pointer_while_zooming) {
    TimeScale scale(whole, 1000);
    Time before = scale.time_at(300);
    for (int i = 0; i < 40; ++i)
        scale = scale.zoomed(1.3, 300, whole);
    EXPECT_LE(std::abs(scale.time_at(300) - before), scale.visible().length() / 500 + 40);
    EXPECT_LT(scale.visible().length(), whole.length() / 1000);
}

TEST(TimeScale, stops_zooming_at_both_ends) {
    TimeScale scale(whole, 1000);
    for (int i = 0; i < 400; ++i)
        scale = scale.zoomed(2, 500, whole);
    EXPECT_EQ(scale.visible().length(), TimeScale::min_span);
    for (int i = 0; i < 400; ++i)
        scale = scale.zoomed(0.5, 500, whole);
    EXPECT_EQ(scale.visible(), whole);
}

TEST(TimeScale, does_not_pan_out_of_the_trace) {
    TimeScale scale({400'000'000, 500'000'000}, 1000);
    EXPECT_EQ(scale.panned(100, whole).visible(), (TimeRange{410'000'000, 510'000'000}));
    EXPECT_EQ(scale.panned(1e6, whole).visible(), (TimeRange{900'000'000, 1'000'000'000}));
    EXPECT_EQ(scale.panned(-1e6, whole).visible(), (TimeRange{0, 100'000'000}));
}

TEST(TimeScale, survives_an_empty_trace_and_no_width) {
    TimeScale scale({0, 0}, 0);
    EXPECT_FALSE(scale.visible().empty());
    EXPECT_GT(scale.nanoseconds_per_pixel(), 0);
    EXPECT_FALSE(TimeScale::clamped({5, 5}, {0, 0}).empty());
}

} // namespace
} // namespace viewer
