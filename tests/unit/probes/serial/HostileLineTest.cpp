#include "tests/unit/probes/serial/HostileLine.h"

#include <gtest/gtest.h>

#include <random>

namespace serial::test {
namespace {

TEST(SerialHostileLine, SurvivesAnything) {
    std::mt19937 random(1);
    for (int round = 0; round < 20'000; ++round) {
        std::vector<uint8_t> input(random() % 400);
        for (auto& byte : input)
            byte = static_cast<uint8_t>(random());
        play_hostile_line(input);
    }
}

} // namespace
} // namespace serial::test
