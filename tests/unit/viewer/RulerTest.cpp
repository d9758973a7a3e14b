#include "viewer/paint/Ruler.h"

#include <gtest/gtest.h>

namespace viewer {
namespace {

TEST(Ruler, has_round_steps_far_enough_apart) {
    for (Time length = 100; length < 4'000'000'000'000'000'000; length = length * 3 + 7) {
        TimeScale scale({length / 7, length / 7 + length}, 1500);
        Ticks ticks = ticks_of(scale, 100);
        Time step = ticks.step;
        while (step % 10 == 0)
            step /= 10;
        EXPECT_TRUE(step == 1 || step == 2 || step == 5) << ticks.step;
        EXPECT_LE(ticks.times.size(), 16u);
        for (size_t i = 0; i < ticks.times.size(); ++i) {
            EXPECT_EQ(ticks.times[i] % ticks.step, 0);
            EXPECT_GE(scale.x_of(ticks.times[i]), 0);
            if (i > 0) {
                EXPECT_GE(scale.x_of(ticks.times[i]) - scale.x_of(ticks.times[i - 1]), 99.9);
            }
        }
    }
}

} // namespace
} // namespace viewer
