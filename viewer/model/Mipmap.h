#pragma once
// Mipmap: an implicit tree with fan-out 64 over the columns of a Track, so that a view of a hundred million intervals
// costs what a view of a thousand costs. Level 0 sums blocks of 64 intervals, level 1 blocks of 64 level 0 blocks, ...
//
// Sum, maximum and representative are exact. The colour of a block above level 0 is the colour of the most time among
// its children's winners, not among their intervals: a colour that is second everywhere can lose to one that is first
// in a few places.

#include "viewer/model/Color.h"
#include "viewer/model/Time.h"

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace viewer {

inline constexpr std::uint32_t no_interval = std::numeric_limits<std::uint32_t>::max();

/// What a run of intervals adds up to.
struct Summary {
    Time busy = 0;                              // sum of durations
    Time longest = -1;                          // longest duration
    std::uint32_t representative = no_interval; // which has it, the first of equals
    std::uint32_t count = 0;
    Color color = Color::None; // of the most time
};

class Mipmap {
public:
    static constexpr std::uint32_t fan_out = 64;

    void build(std::span<const Time> begin, std::span<const Time> end, std::span<const Color> color);

    /// Sums intervals [first, last) of the columns that it was built from.
    Summary query(std::uint32_t first, std::uint32_t last, std::span<const Time> begin, std::span<const Time> end,
                  std::span<const Color> color) const;

    size_t level_count() const { return m_levels.size(); }

private:
    struct Block {
        Time busy;
        Time longest;
        std::uint32_t representative;
        Color color;
    };
    /// Sums while it walks; ends in a Summary.
    class Accumulator {
    public:
        void add(Time duration, std::uint32_t index, Color color);
        void add(const Block& block);
        Summary result() const;

    private:
        Summary m_summary;
        std::array<Time, color_count> m_time_of{};
    };

    std::vector<std::vector<Block>> m_levels;
};

} // namespace viewer
