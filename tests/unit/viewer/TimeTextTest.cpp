#include "viewer/model/TimeText.h"

#include <gtest/gtest.h>

namespace viewer {
namespace {

constexpr TimeRange whole{0, 2'000'000'000};

TEST(TimeText, writes_durations_in_the_unit_that_fits) {
    EXPECT_EQ(duration_text(0), "0 ns");
    EXPECT_EQ(duration_text(812), "812 ns");
    EXPECT_EQ(duration_text(1'234'000), "1.234 ms");
    EXPECT_EQ(duration_text(12'345'678), "12.35 ms");
    EXPECT_EQ(duration_text(1'500'000'000), "1.500 s");
    EXPECT_EQ(duration_text(125'000'000'000), "2 min 05 s");
    EXPECT_EQ(duration_text(-1'500), "-1.500 µs");
}

TEST(TimeText, writes_times_with_the_digits_that_a_step_needs) {
    EXPECT_EQ(time_text(1'200'000'000, 100'000'000), "1.2 s");
    EXPECT_EQ(time_text(1'200'000'000, 1'000), "1.200000 s");
    EXPECT_EQ(time_text(0, 50), "0 ns");
    EXPECT_EQ(time_text(812'400, 100), "812.4 µs");
}

TEST(TimeText, reads_ranges) {
    EXPECT_EQ(*parse_time_range("1.2s..1.5s", whole), (TimeRange{1'200'000'000, 1'500'000'000}));
    EXPECT_EQ(*parse_time_range("10ms..", whole), (TimeRange{10'000'000, whole.end}));
    EXPECT_EQ(*parse_time_range("..", whole), whole);
    EXPECT_EQ(*parse_time_range("..1", whole), (TimeRange{0, 1'000'000'000}));
    EXPECT_EQ(*parse_time_range(" 5 us .. 7µs ", whole), (TimeRange{5'000, 7'000}));
}

TEST(TimeText, says_what_is_wrong_with_a_range) {
    for (const char* text :
         {"", "1s", "x..y", "1lightyear..2", "2s..1s", "1s..1s", "5s..6s", "1e300s..", "nan..", "-9..-8"}) {
        auto range = parse_time_range(text, whole);
        ASSERT_FALSE(range) << text;
        EXPECT_EQ(range.error().back(), '.') << range.error();
    }
    EXPECT_NE(parse_time_range("5s..6s", whole).error().find("lasts 2.000 s"), std::string::npos);
}

} // namespace
} // namespace viewer
