#include "viewer/model/Track.h"

#include <algorithm>

namespace viewer {

void Track::append(Interval interval) {
    if (!m_end.empty())
        interval.begin = std::max(interval.begin, m_end.back());
    interval.end = std::max(interval.end, interval.begin);
    m_begin.push_back(interval.begin);
    m_end.push_back(interval.end);
    m_label.push_back(interval.label);
    m_source.push_back(interval.source);
    m_color.push_back(interval.color);
}

void Track::finish(Color counted) {
    m_counted = counted;
    m_begin.shrink_to_fit();
    m_end.shrink_to_fit();
    m_label.shrink_to_fit();
    m_source.shrink_to_fit();
    m_color.shrink_to_fit();
    m_mipmap.build(m_begin, m_end, m_color);
    if (counted == Color::None)
        return;
    Time sum = 0;
    for (std::uint32_t i = 0; i < size(); ++i) {
        if (i % Mipmap::fan_out == 0)
            m_counted_before.push_back(sum);
        if (m_color[i] == counted)
            sum += m_end[i] - m_begin[i];
    }
}

Interval Track::at(std::uint32_t i) const {
    return {m_begin[i], m_end[i], m_label[i], m_color[i], m_source[i]};
}

std::uint32_t Track::first_ending_after(Time t) const {
    // Ends are in order too. A point at t counts although it ends at t.
    auto it = std::lower_bound(m_end.begin(), m_end.end(), t);
    while (it != m_end.end() && *it == t && m_begin[static_cast<size_t>(it - m_end.begin())] < t)
        ++it;
    return static_cast<std::uint32_t>(it - m_end.begin());
}

std::uint32_t Track::first_beginning_at(Time t, std::uint32_t from) const {
    std::uint32_t step = 1;
    std::uint32_t low = from;
    while (low + step < size() && m_begin[low + step] < t) {
        low += step;
        step *= 2;
    }
    auto first = m_begin.begin() + low;
    auto last =
        m_begin.begin() + static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(size(), std::uint64_t{low} + step + 1));
    return static_cast<std::uint32_t>(std::lower_bound(first, last, t) - m_begin.begin());
}

Summary Track::summary(std::uint32_t first, std::uint32_t last) const {
    return m_mipmap.query(first, last, m_begin, m_end, m_color);
}

Time Track::covered(TimeRange range) const {
    std::uint32_t first = first_ending_after(range.begin);
    std::uint32_t last = first_beginning_at(range.end, first);
    if (first >= last)
        return 0;
    Time busy = summary(first, last).busy;
    busy -= std::max<Time>(0, range.begin - m_begin[first]);
    busy -= std::max<Time>(0, m_end[last - 1] - range.end);
    return busy;
}

Time Track::counted_until(Time t) const {
    std::uint32_t last = first_beginning_at(t);
    if (last == 0 || m_counted_before.empty())
        return 0;
    std::uint32_t block = (last - 1) / Mipmap::fan_out;
    Time sum = m_counted_before[block];
    for (std::uint32_t i = block * Mipmap::fan_out; i < last; ++i) {
        if (m_color[i] == m_counted)
            sum += std::min(m_end[i], t) - m_begin[i];
    }
    return sum;
}

Time Track::covered_by_counted(TimeRange range) const {
    return counted_until(range.end) - counted_until(range.begin);
}

} // namespace viewer
