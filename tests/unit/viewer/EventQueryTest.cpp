#include "SampleIndex.h"

#include "viewer/model/EventQuery.h"

#include <gtest/gtest.h>

namespace viewer {
namespace {

struct EventQueryTest : testing::Test {
    std::shared_ptr<const Index> index = sample_index();

    size_t count(std::string_view text) const { return EventQuery(*index, text).all_matches().size(); }
    size_t all() const { return index->timeline().events().size(); }
};

TEST_F(EventQueryTest, finds_words_in_names_threads_and_fields) {
    EXPECT_EQ(count("ORDER"), 2u);
    EXPECT_EQ(count("id=77"), 1u);
    EXPECT_EQ(count("order id=78"), 1u);
    EXPECT_EQ(count("order nothing"), 0u);
    EXPECT_GT(count("alice"), 2u);
}

TEST_F(EventQueryTest, asks_one_place_by_a_prefix) {
    EXPECT_EQ(count("name:irq"), 2u);
    EXPECT_EQ(count("cpu:0") + count("cpu:1"), all());
    EXPECT_EQ(count("tid:11 name:order"), 1u);
    EXPECT_EQ(count("thread:bob name:order"), 1u);
}

TEST_F(EventQueryTest, leaves_out_words_with_a_minus) {
    EXPECT_EQ(count("-order"), all() - 2);
    EXPECT_EQ(count("order -id=77"), 1u);
}

TEST_F(EventQueryTest, is_empty_while_nothing_was_typed) {
    for (const char* text : {"", "  ", "cpu:", "-name:"})
        EXPECT_TRUE(EventQuery(*index, text).is_empty()) << text;
    EXPECT_TRUE(EventQuery().all_matches().empty());
}

TEST_F(EventQueryTest, stops_when_told) {
    EXPECT_TRUE(EventQuery(*index, "order").all_matches([](double) { return false; }).empty());
}

} // namespace
} // namespace viewer
