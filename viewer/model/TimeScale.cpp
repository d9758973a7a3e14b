#include "viewer/model/TimeScale.h"

#include <cmath>

namespace viewer {

TimeScale::TimeScale(TimeRange visible, double width)
    : m_visible(visible)
    , m_width(std::max(width, 1.0)) {
    if (m_visible.empty())
        m_visible.end = m_visible.begin + 1;
}

Time TimeScale::time_at(double x) const {
    return m_visible.begin + static_cast<Time>(std::floor(x * nanoseconds_per_pixel()));
}

TimeScale TimeScale::zoomed(double factor, double x, TimeRange whole) const {
    double length = static_cast<double>(m_visible.length()) / factor;
    length = std::clamp(length, static_cast<double>(min_span),
                        static_cast<double>(std::max(whole.length(), Time{min_span})));
    double fraction = x / m_width;
    double anchor_offset = fraction * static_cast<double>(m_visible.length());
    Time begin = m_visible.begin + std::llround(anchor_offset - fraction * length);
    return {clamped({begin, begin + std::llround(length)}, whole), m_width};
}

TimeScale TimeScale::panned(double pixels, TimeRange whole) const {
    Time shift = std::llround(pixels * nanoseconds_per_pixel());
    return {clamped({m_visible.begin + shift, m_visible.end + shift}, whole), m_width};
}

TimeRange TimeScale::clamped(TimeRange range, TimeRange whole) {
    if (range.length() < min_span) {
        Time missing = min_span - range.length();
        range.begin -= missing / 2;
        range.end = range.begin + min_span;
    }
    if (range.length() >= whole.length())
        return whole.empty() ? TimeRange{whole.begin, whole.begin + min_span} : whole;
    if (range.begin < whole.begin)
        return {whole.begin, whole.begin + range.length()};
    if (range.end > whole.end)
        return {whole.end - range.length(), whole.end};
    return range;
}

} // namespace viewer
