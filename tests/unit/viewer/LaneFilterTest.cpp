#include "viewer/model/LaneFilter.h"

#include <gtest/gtest.h>

namespace viewer {
namespace {

Lane lane(const char* name, const char* note = "") {
    Lane result;
    result.name = name;
    result.note = note;
    return result;
}

TEST(LaneFilter, shows_all_without_a_pattern) {
    EXPECT_TRUE((LaneFilter{}.shows(lane("CPU 0"), 0)));
    EXPECT_TRUE((LaneFilter{" , ", {}}.shows(lane("CPU 0"), 0)));
}

TEST(LaneFilter, matches_parts_and_globs_without_regard_to_case) {
    LaneFilter filter{"cpu 1, work*", {}};
    EXPECT_TRUE(filter.shows(lane("CPU 1"), 0));
    EXPECT_TRUE(filter.shows(lane("CPU 10"), 0));
    EXPECT_TRUE(filter.shows(lane("Worker 3"), 0));
    EXPECT_FALSE(filter.shows(lane("a worker"), 0));
    EXPECT_FALSE(filter.shows(lane("main"), 0));
    EXPECT_TRUE((LaneFilter{"tid 12", {}}.shows(lane("main", "tid 12"), 0)));
}

TEST(LaneFilter, hides_lanes_one_by_one) {
    LaneFilter filter{"", {3}};
    EXPECT_FALSE(filter.shows(lane("x"), 3));
    EXPECT_TRUE(filter.shows(lane("x"), 4));
}

TEST(LaneFilter, globs) {
    EXPECT_TRUE(glob_matches("*", ""));
    EXPECT_TRUE(glob_matches("a*b?c", "aXXbYc"));
    EXPECT_TRUE(glob_matches("a*a*a", "aaaa"));
    EXPECT_FALSE(glob_matches("a?", "a"));
    EXPECT_FALSE(glob_matches("", "a"));
}

} // namespace
} // namespace viewer
