#include "tests/unit/drivers/HostileSerial.h"

#include <gtest/gtest.h>

#include <random>

namespace drivers::test {
namespace {

TEST(HostileSerial, RandomAnswersDoNoHarm) {
    std::mt19937 random(2026);
    for (unsigned round = 0; round < 1000; ++round) {
        std::vector<uint8_t> input(random() % 2000);
        for (auto& byte : input)
            byte = static_cast<uint8_t>(random());
        play_hostile_serial(input);
    }
}

} // namespace
} // namespace drivers::test
