#include "SampleIndex.h"

#include "viewer/model/RangeSummary.h"

#include <gtest/gtest.h>

namespace viewer {
namespace {

TEST(RangeSummary, adds_up_all_of_a_trace) {
    auto index = sample_index();
    RangeSummary summary = summarise(*index, {0, 1'000'000});
    ASSERT_EQ(summary.cpu_use.size(), 2u);
    EXPECT_NEAR(summary.cpu_use[0], 0.80, 1e-9);
    EXPECT_NEAR(summary.cpu_use[1], 0.88, 1e-9);
    ASSERT_EQ(summary.threads.size(), 2u);
    EXPECT_EQ(index->timeline().thread_label(summary.threads[0].thread), "bob");
    EXPECT_EQ(summary.threads[0].running, 880'000);
    ASSERT_EQ(summary.calls.size(), 1u);
    EXPECT_EQ(summary.calls[0].name, "read");
    EXPECT_EQ(summary.calls[0].total, 200'000);
    EXPECT_EQ(summary.calls[0].median, 200'000);
    EXPECT_EQ(summary.stopped, 0);
    EXPECT_EQ(summary.lost, 0u);
}

TEST(RangeSummary, counts_only_what_is_in_the_range) {
    auto index = sample_index();
    RangeSummary summary = summarise(*index, {400'000, 500'000});
    EXPECT_EQ(summary.events, 1u); // the switch at 400 µs
    EXPECT_NEAR(summary.cpu_use[0], 1, 1e-9);
    EXPECT_NEAR(summary.cpu_use[1], 0, 1e-9);
    EXPECT_TRUE(summary.calls.empty());
}

TEST(RangeSummary, tells_what_was_lost_and_stopped) {
    auto index = damaged_index();
    RangeSummary summary = summarise(*index, index->whole());
    EXPECT_EQ(summary.lost, 12u);
    EXPECT_EQ(summary.stopped, 80'000);
    EXPECT_EQ(summarise(*index, {0, 500'000}).lost, 0u);
}

} // namespace
} // namespace viewer
