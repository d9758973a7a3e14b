#include "SampleIndex.h"

#include "viewer/model/LaneLayout.h"

#include <gtest/gtest.h>

namespace viewer {
namespace {

TEST(LaneLayout, puts_cpus_above_threads_without_overlap) {
    auto index = sample_index();
    LaneLayout layout(*index, {});
    ASSERT_EQ(layout.groups().size(), 2u);
    EXPECT_EQ(layout.groups()[0].title, "CPUs (2)");
    EXPECT_EQ(layout.groups()[1].title, "Threads (2)");
    ASSERT_EQ(layout.lanes().size(), 4u);
    int y = 0;
    for (const LaneRow& row : layout.lanes()) {
        EXPECT_GE(row.y, y);
        y = row.y;
        for (const TrackRow& track : row.tracks) {
            EXPECT_GE(track.y, y);
            y = track.y + track.height;
        }
        EXPECT_LE(y, row.y + row.height);
        y = row.y + row.height;
    }
    EXPECT_EQ(layout.height(), y);
}

TEST(LaneLayout, finds_lanes_by_height) {
    auto index = sample_index();
    LaneLayout layout(*index, {});
    for (const LaneRow& row : layout.lanes()) {
        EXPECT_EQ(layout.lane_at(row.y), &row);
        EXPECT_EQ(layout.lane_at(row.y + row.height - 1), &row);
        EXPECT_EQ(layout.row_of(row.lane), &row);
    }
    EXPECT_EQ(layout.lane_at(0), nullptr); // the group's title
    EXPECT_EQ(layout.lane_at(-5), nullptr);
    EXPECT_EQ(layout.lane_at(100'000), nullptr);
}

TEST(LaneLayout, says_how_many_of_a_group_are_shown) {
    auto index = sample_index();
    LaneLayout layout(*index, {"bob", {}});
    ASSERT_EQ(layout.groups().size(), 1u);
    EXPECT_EQ(layout.groups()[0].title, "Threads (1 of 2)");
    EXPECT_EQ(layout.row_of(0), nullptr);
}

} // namespace
} // namespace viewer
