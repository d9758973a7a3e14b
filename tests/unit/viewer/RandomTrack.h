#pragma once
// Tracks for tests: the same seed gives the same one.

#include "viewer/model/Track.h"

#include <random>

namespace viewer {

struct RandomTrack {
    Track track;
    std::vector<Interval> intervals;

    /// Durations and gaps of very different sizes, some of them zero.
    RandomTrack(unsigned seed, std::uint32_t count) {
        std::mt19937 random(seed);
        auto length = [&]() -> Time { return static_cast<Time>(random() % (1u << (random() % 18))); };
        Time now = static_cast<Time>(random() % 1000);
        for (std::uint32_t i = 0; i < count; ++i) {
            Interval interval{.begin = now, .end = now + length(), .label = i, .color = hue(random()), .source = i};
            now = interval.end + length();
            intervals.push_back(interval);
            track.append(interval);
        }
        track.finish(hue(3));
    }
    Time end() const { return intervals.empty() ? 1 : intervals.back().end + 1; }
};

} // namespace viewer
