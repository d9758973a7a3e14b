#pragma once
// ZoomHistory: the views to go back to. A pure value; the time of a gesture is told, not asked.

#include "viewer/model/Time.h"

#include <optional>
#include <vector>

namespace viewer {

class ZoomHistory {
public:
    /// Gestures that follow each other faster are one step back: a wheel turns in many small steps.
    static constexpr std::int64_t same_gesture_ms = 500;
    static constexpr size_t max_steps = 256;

    /// Remembers `visible`, the view that is about to be left. `now_ms` is any steady clock.
    void remember(TimeRange visible, std::int64_t now_ms) {
        bool same_gesture = m_last_ms && now_ms - *m_last_ms < same_gesture_ms;
        m_last_ms = now_ms;
        if (same_gesture || (!m_steps.empty() && m_steps.back() == visible))
            return;
        if (m_steps.size() == max_steps)
            m_steps.erase(m_steps.begin());
        m_steps.push_back(visible);
    }

    std::optional<TimeRange> undo() {
        m_last_ms.reset();
        if (m_steps.empty())
            return std::nullopt;
        TimeRange range = m_steps.back();
        m_steps.pop_back();
        return range;
    }

    bool empty() const { return m_steps.empty(); }

private:
    std::vector<TimeRange> m_steps;
    std::optional<std::int64_t> m_last_ms;
};

} // namespace viewer
