#include "tracer/analysis/Timeline.h"

#include <fmt/format.h>

namespace tracer {

std::string_view to_string(ThreadState state) {
    switch (state) {
    case ThreadState::Unknown:
        return "unknown";
    case ThreadState::Running:
        return "running";
    case ThreadState::Runnable:
        return "runnable";
    case ThreadState::Blocked:
        return "blocked";
    case ThreadState::Stopped:
        return "stopped";
    case ThreadState::Exited:
        return "exited";
    }
    return "unknown";
}

uint64_t Timeline::lost_events() const {
    uint64_t sum = 0;
    for (const auto& loss : m_losses)
        sum += loss.count;
    return sum;
}

std::span<const uint8_t> Timeline::payload(size_t row) const {
    const EventType& type = event_type(row);
    // Strings were found to end inside of the packet when the event was decoded.
    std::span<const uint8_t> whole(m_events.payload[row], std::numeric_limits<uint32_t>::max());
    return whole.first(type.payload_size(whole).value_or(0));
}

FieldValue Timeline::field(size_t row, size_t field_index) const {
    return event_type(row).value(field_index, payload(row));
}

std::string Timeline::fields_text(size_t row) const {
    const EventType& type = event_type(row);
    auto bytes = payload(row);
    std::string text;
    for (size_t i = 0; i < type.fields.size(); ++i) {
        fmt::format_to(std::back_inserter(text), "{}{}={}", text.empty() ? "" : ", ", type.fields[i].name,
                       type.text(i, bytes));
    }
    return text;
}

std::string Timeline::thread_label(ThreadIndex thread) const {
    if (thread == no_thread)
        return "idle";
    const auto& entry = m_threads[thread];
    return entry.name.empty() ? fmt::format("thread {}", entry.tid) : entry.name;
}

Time Timeline::running_time(Time begin, Time end) const {
    Time result = std::max<Time>(end - begin, 0);
    for (const auto& mark : m_marks)
        if (mark.kind == Mark::Kind::DebuggerStop)
            result -= std::max<Time>(std::min(end, mark.end) - std::max(begin, mark.begin), 0);
    return std::max<Time>(result, 0);
}

size_t Timeline::first_event_at(Time time) const {
    return static_cast<size_t>(std::lower_bound(m_events.time.begin(), m_events.time.end(), time) -
                               m_events.time.begin());
}

} // namespace tracer
