#include "HostileVsock.h"

#include <gtest/gtest.h>

#include <random>

namespace vsock::test {
namespace {

TEST(HostileVsock, RandomAnswersDoNoHarm) {
    prepare_hostile_vsock();
    std::mt19937 random(2026);
    for (unsigned round = 0; round < 1000; ++round) {
        std::vector<uint8_t> input(random() % 3000);
        for (auto& byte : input)
            byte = static_cast<uint8_t>(random());
        play_hostile_vsock(input);
    }
    fs::shut_down();
}

} // namespace
} // namespace vsock::test
