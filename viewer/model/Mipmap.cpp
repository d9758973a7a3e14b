#include "viewer/model/Mipmap.h"

namespace viewer {

void Mipmap::Accumulator::add(Time duration, std::uint32_t index, Color color) {
    m_summary.busy += duration;
    if (duration > m_summary.longest) {
        m_summary.longest = duration;
        m_summary.representative = index;
    }
    // A point has no length, but it has a colour.
    m_time_of[static_cast<unsigned>(color)] += duration + 1;
}

void Mipmap::Accumulator::add(const Block& block) {
    m_summary.busy += block.busy;
    if (block.longest > m_summary.longest) {
        m_summary.longest = block.longest;
        m_summary.representative = block.representative;
    }
    m_time_of[static_cast<unsigned>(block.color)] += block.busy + 1;
}

Summary Mipmap::Accumulator::result() const {
    Summary summary = m_summary;
    unsigned best = 0;
    for (unsigned color = 1; color < color_count; ++color) {
        if (m_time_of[color] > m_time_of[best])
            best = color;
    }
    summary.color = static_cast<Color>(best);
    return summary;
}

void Mipmap::build(std::span<const Time> begin, std::span<const Time> end, std::span<const Color> color) {
    m_levels.clear();
    auto block_of = [](const Summary& s) { return Block{s.busy, s.longest, s.representative, s.color}; };
    std::vector<Block> level;
    level.reserve(begin.size() / fan_out + 1);
    for (size_t first = 0; first < begin.size(); first += fan_out) {
        Accumulator sum;
        for (size_t i = first; i < std::min(first + fan_out, begin.size()); ++i)
            sum.add(end[i] - begin[i], static_cast<std::uint32_t>(i), color[i]);
        level.push_back(block_of(sum.result()));
    }
    while (!level.empty()) {
        m_levels.push_back(std::move(level));
        level.clear();
        const std::vector<Block>& below = m_levels.back();
        if (below.size() <= fan_out)
            break;
        for (size_t first = 0; first < below.size(); first += fan_out) {
            Accumulator sum;
            for (size_t i = first; i < std::min(first + fan_out, below.size()); ++i)
                sum.add(below[i]);
            level.push_back(block_of(sum.result()));
        }
    }
}

Summary Mipmap::query(std::uint32_t first, std::uint32_t last, std::span<const Time> begin, std::span<const Time> end,
                      std::span<const Color> color) const {
    Accumulator sum;
    auto add_intervals = [&](std::uint32_t from, std::uint32_t to) {
        for (std::uint32_t i = from; i < to; ++i)
            sum.add(end[i] - begin[i], i, color[i]);
    };
    std::uint32_t from = (first + fan_out - 1) / fan_out;
    std::uint32_t to = last / fan_out;
    if (from >= to) {
        add_intervals(first, last);
    } else {
        // Up: loose ends of each level are summed at that level, until the middle is gone or the top is reached.
        add_intervals(first, from * fan_out);
        add_intervals(to * fan_out, last);
        for (const std::vector<Block>& level : m_levels) {
            bool top = &level == &m_levels.back();
            if (top || to - from < 2 * fan_out) {
                for (std::uint32_t i = from; i < to; ++i)
                    sum.add(level[i]);
                break;
            }
            while (from % fan_out != 0)
                sum.add(level[from++]);
            while (to % fan_out != 0)
                sum.add(level[--to]);
            from /= fan_out;
            to /= fan_out;
        }
    }
    Summary summary = sum.result();
    summary.count = last - first;
    return summary;
}

} // namespace viewer
