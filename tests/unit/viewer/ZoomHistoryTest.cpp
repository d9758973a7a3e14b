#include "viewer/model/ZoomHistory.h"

#include <gtest/gtest.h>

namespace viewer {
namespace {

TEST(ZoomHistory, goes_back_step_by_step) {
    ZoomHistory history;
    history.remember({0, 100}, 0);
    history.remember({10, 50}, 1000);
    EXPECT_EQ(history.undo(), (TimeRange{10, 50}));
    EXPECT_EQ(history.undo(), (TimeRange{0, 100}));
    EXPECT_EQ(history.undo(), std::nullopt);
}

TEST(ZoomHistory, takes_the_turns_of_a_wheel_as_one_step) {
    ZoomHistory history;
    for (int i = 0; i < 20; ++i)
        history.remember({i, 100 - i}, i * 50);
    EXPECT_EQ(history.undo(), (TimeRange{0, 100}));
    EXPECT_TRUE(history.empty());
}

TEST(ZoomHistory, forgets_the_oldest) {
    ZoomHistory history;
    for (int i = 0; i < 300; ++i)
        history.remember({i, 1000}, i * 1000);
    size_t steps = 0;
    while (history.undo())
        ++steps;
    EXPECT_EQ(steps, ZoomHistory::max_steps);
}

} // namespace
} // namespace viewer
