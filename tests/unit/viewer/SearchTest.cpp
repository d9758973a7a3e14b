#include "SampleIndex.h"

#include "viewer/model/Search.h"

#include <gtest/gtest.h>

namespace viewer {
namespace {

struct SearchTest : testing::Test {
    std::shared_ptr<const Index> index = sample_index();
    LaneLayout layout{*index, {}};

    std::optional<Pick> find(const char* text, std::optional<Pick> from = {}, bool backwards = false) {
        return find_next(*index, layout, text, from, backwards ? index->whole().end : 0, backwards);
    }
};

TEST_F(SearchTest, goes_from_one_to_the_next_and_around) {
    auto first = find("order");
    ASSERT_TRUE(first);
    EXPECT_EQ(index->interval(*first).begin, 350'000);
    auto second = find("ORDER", first);
    ASSERT_TRUE(second);
    EXPECT_EQ(index->interval(*second).begin, 1'000'000);
    EXPECT_EQ(find("order", second), first);
}

TEST_F(SearchTest, goes_backwards_and_around) {
    auto last = find("order", {}, true);
    ASSERT_TRUE(last);
    EXPECT_EQ(index->interval(*last).begin, 1'000'000);
    auto before = find("order", last, true);
    ASSERT_TRUE(before);
    EXPECT_EQ(index->interval(*before).begin, 350'000);
    EXPECT_EQ(find("order", before, true), last);
}

TEST_F(SearchTest, reaches_everything_that_begins_together) {
    // Both CPUs switch at 0 ns.
    auto alice = find("alice");
    auto bob = find("bob");
    ASSERT_TRUE(alice && bob);
    EXPECT_EQ(index->interval(*alice).begin, 0);
    EXPECT_EQ(index->interval(*bob).begin, 0);
    EXPECT_NE(alice->lane, bob->lane);
}

TEST_F(SearchTest, finds_nothing_that_is_not_shown) {
    layout = LaneLayout(*index, {"cpu", {}});
    EXPECT_FALSE(find("read"));
    EXPECT_TRUE(find("alice"));
    EXPECT_FALSE(find(""));
    EXPECT_FALSE(find("no such name"));
}

} // namespace
} // namespace viewer
