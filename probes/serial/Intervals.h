#pragma once
// Intervals: a set of places in a stream, as sorted disjoint ranges, in a fixed space.
//
// Places count modulo 2^16; all that are in use at a time lie within wire::serial_max_window of each other, so the
// signed difference of two orders them.

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace serial {

using Place = uint16_t;

/// How far `to` is behind `from`; negative: before it.
constexpr int distance(Place from, Place to) {
    return static_cast<int16_t>(static_cast<uint16_t>(to - from));
}

struct Range {
    Place begin = 0;
    Place end = 0; ///< the first that is not in it
    constexpr size_t size() const { return static_cast<uint16_t>(end - begin); }
    constexpr bool operator==(const Range&) const = default;
};

template <size_t capacity>
class Intervals {
public:
    constexpr Intervals() = default;

    bool is_empty() const { return m_count == 0; }
    size_t count() const { return m_count; }
    const Range& operator[](size_t index) const { return m_ranges[index]; }
    const Range& first() const { return m_ranges[0]; }
    void clear() { m_count = 0; }

    /// Adds a range, which may overlap others. False, and nothing is changed, when there is no room.
    bool add(Range range) {
        size_t from = 0;
        while (from < m_count && distance(m_ranges[from].end, range.begin) > 0)
            ++from;
        size_t to = from; // [from, to) touch the new one
        while (to < m_count && distance(m_ranges[to].begin, range.end) >= 0) {
            if (distance(range.begin, m_ranges[to].begin) < 0)
                range.begin = m_ranges[to].begin;
            if (distance(range.end, m_ranges[to].end) > 0)
                range.end = m_ranges[to].end;
            ++to;
        }
        if (from == to && m_count == capacity)
            return false;
        replace(from, to, range);
        return true;
    }

    /// Adds a range and, when there is no room, also what lies between it and its neighbour.
    void add_generously(Range range) {
        if (add(range))
            return;
        size_t after = 0;
        while (after < m_count && distance(range.begin, m_ranges[after].begin) < 0)
            ++after;
        if (after < m_count)
            range.end = m_ranges[after].begin;
        else
            range.begin = m_ranges[after - 1].end;
        add(range);
    }

    /// Takes out what lies before `place`.
    void remove_before(Place place) {
        size_t gone = 0;
        while (gone < m_count && distance(m_ranges[gone].end, place) >= 0)
            ++gone;
        std::copy(m_ranges + gone, m_ranges + m_count, m_ranges);
        m_count -= gone;
        if (m_count != 0 && distance(m_ranges[0].begin, place) > 0)
            m_ranges[0].begin = place;
    }

private:
    void replace(size_t from, size_t to, Range range) {
        if (from == to) {
            std::copy_backward(m_ranges + from, m_ranges + m_count, m_ranges + m_count + 1);
            ++m_count;
        } else {
            std::copy(m_ranges + to, m_ranges + m_count, m_ranges + from + 1);
            m_count -= to - from - 1;
        }
        m_ranges[from] = range;
    }

    Range m_ranges[capacity] = {};
    size_t m_count = 0;
};

} // namespace serial
