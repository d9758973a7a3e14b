#include "probes/serial/LineEstimate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace serial {
namespace {

/// Frames of the size that the estimate asks for, on a line that damages each byte with `probability`.
size_t settle(LineEstimate& estimate, double probability, unsigned frames) {
    std::mt19937 random(1);
    double sum = 0;
    for (unsigned i = 0; i < frames; ++i) {
        size_t bytes = estimate.data_size() + LineEstimate::overhead;
        double arrives = std::pow(1 - probability, static_cast<double>(bytes));
        estimate.note_frame(bytes, std::uniform_real_distribution<double>(0, 1)(random) < arrives);
        sum += static_cast<double>(estimate.data_size());
    }
    return static_cast<size_t>(sum / frames);
}

/// Stream bytes that arrive per byte of line.
double yield(size_t size, double probability) {
    auto bytes = static_cast<double>(size + LineEstimate::overhead);
    return static_cast<double>(size) / bytes * std::pow(1 - probability, bytes);
}

TEST(SerialLineEstimate, FrameSizesAreCloseToTheBest) {
    for (double probability : {0.001, 0.003, 0.01, 0.03, 0.05}) {
        LineEstimate estimate;
        settle(estimate, probability, 3000);
        size_t size = settle(estimate, probability, 3000);
        double best = 0;
        for (size_t candidate = LineEstimate::min_data; candidate <= wire::serial_max_data; ++candidate)
            best = std::max(best, yield(candidate, probability));
        EXPECT_GT(yield(size, probability), 0.9 * best) << probability << ' ' << size;
    }
}

TEST(SerialLineEstimate, ACleanLineHasTheLongestFramesAndABadOneTheShortest) {
    LineEstimate estimate;
    EXPECT_NEAR(static_cast<double>(estimate.data_size()), LineEstimate::initial_data, 1);
    settle(estimate, 0, 50);
    EXPECT_EQ(estimate.data_size(), wire::serial_max_data);
    EXPECT_EQ(estimate.extra_copies(), 0u);
    settle(estimate, 0.3, 2000);
    EXPECT_EQ(estimate.data_size(), LineEstimate::min_data);
    EXPECT_EQ(estimate.extra_copies(), 2u);
    settle(estimate, 0, 2000);
    EXPECT_EQ(estimate.data_size(), wire::serial_max_data);
    EXPECT_EQ(estimate.extra_copies(), 0u);
}

TEST(SerialLineEstimate, SilenceShortensFramesUntilTheFirstSound) {
    LineEstimate estimate;
    settle(estimate, 0, 50);
    estimate.note_time_out();
    EXPECT_EQ(estimate.data_size(), wire::serial_max_data / 2);
    for (int i = 0; i < 100; ++i)
        estimate.note_time_out();
    EXPECT_EQ(estimate.data_size(), LineEstimate::min_data);
    estimate.note_sign_of_life();
    EXPECT_EQ(estimate.data_size(), wire::serial_max_data);
}

TEST(SerialLineEstimate, TimeOutsFollowTheRoundTrip) {
    LineEstimate estimate;
    EXPECT_EQ(estimate.time_out(), LineEstimate::initial_time_out);
    for (int i = 0; i < 100; ++i)
        estimate.note_round_trip(20'000);
    EXPECT_NEAR(static_cast<double>(estimate.time_out()), 20'000, 2000);
    for (int i = 0; i < 100; ++i)
        estimate.note_round_trip(100);
    EXPECT_EQ(estimate.time_out(), LineEstimate::min_time_out);
    for (int i = 0; i < 100; ++i)
        estimate.note_time_out();
    EXPECT_EQ(estimate.time_out(), LineEstimate::max_time_out);
}

} // namespace
} // namespace serial
