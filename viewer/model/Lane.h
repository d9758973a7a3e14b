#pragma once
// Lane: one CPU or one thread, as the tracks that are drawn under each other for it.

#include "viewer/model/Track.h"

#include <cstdint>
#include <string>
#include <vector>

namespace viewer {

/// What the intervals of a track are, and so which of the timeline's tables their `source` counts in.
enum class TrackRole : std::uint8_t {
    Running,    // of a CPU: which thread; source: step of CpuLane::running
    Interrupts, // of a CPU: interrupts and page faults; source: index into CpuLane::interrupts
    State,      // of a thread; source: step of ThreadLane::states
    Calls,      // of a thread: system calls; source: index into SystemCalls
    Points,     // events; source: row of Events
};

struct LaneTrack {
    TrackRole role = TrackRole::Running;
    Track track;
};

struct Lane {
    enum class Kind : std::uint8_t { Cpu, Thread };
    Kind kind = Kind::Cpu;
    std::uint32_t number = 0; // of the CPU, or index of the thread
    std::string name;         // "CPU 0", "worker 1"
    std::string note;         // "tid 12"
    Color color = Color::None;
    std::vector<LaneTrack> tracks;
};

/// An interval in the view: lane, track of the lane, index in the track.
struct Pick {
    std::uint32_t lane = 0;
    std::uint32_t track = 0;
    std::uint32_t index = 0;
    bool operator==(const Pick&) const = default;
};

} // namespace viewer
