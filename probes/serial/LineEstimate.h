#pragma once
// LineEstimate: what the line is like, learned from what became of each transmission: how many bytes a frame should
// carry, how long an answer takes, how often a frame gets through.
//
// Frame size. When each byte is damaged with probability e, a frame of p bytes and h around them arrives with
// (1 - e)^(p + h), and p * (1 - e)^(p + h) / (p + h) is greatest near p = sqrt(h / e). e is taken as lost frames over
// bytes sent, both forgotten by halves. Time-outs are RFC 6298's, with samples that cannot be mistaken.

#include "probes/serial/Frame.h"

#include <algorithm>

namespace serial {

class LineEstimate {
public:
    constexpr LineEstimate() = default;
    void reset() { *this = LineEstimate(); }

    /// A transmission's fate is known.
    void note_frame(size_t line_bytes, bool arrived);
    void note_round_trip(Time duration);
    void note_time_out() { m_silent_time_outs = std::min(m_silent_time_outs + 1, max_silent_time_outs); }
    /// The peer has been heard.
    void note_sign_of_life() { m_silent_time_outs = 0; }

    /// Bytes of a stream that a frame should carry now. While nothing comes back nothing is learned either, and it may
    /// be because the frames are too long.
    size_t data_size() const { return std::max(m_data_size >> std::min(m_silent_time_outs, 8u), min_data); }
    /// How often what nobody waits for any more should be sent again while the line is idle: where every second frame
    /// is lost, that is cheaper than a time-out.
    unsigned extra_copies() const { return m_extra_copies; }
    /// From a transmission to when its silence means something.
    Time time_out() const;

    static constexpr size_t min_data = 12;
    static constexpr size_t initial_data = 64;
    static constexpr size_t overhead = 12; ///< marks, header, place, CRC, and an escape now and then
    static constexpr Time min_time_out = 4'000;
    static constexpr Time initial_time_out = 50'000;
    static constexpr Time max_time_out = 1'000'000;

private:
    void choose_size();

    /// A line has no other users to make way for: only after so many time-outs without a sound does each next one
    /// take twice as long.
    static constexpr unsigned patient_time_outs = 8;
    static constexpr unsigned max_silent_time_outs = patient_time_outs + 8;
    static constexpr uint32_t memory = 8192; ///< bytes of line after which the past counts half

    uint32_t m_bytes = initial_data * initial_data / overhead; // one loss in so many gives initial_data
    uint32_t m_lost_256 = 256;                                 // lost frames, times 256
    uint32_t m_fate_256 = 0;                                   // recent share of frames lost, of 256
    size_t m_data_size = initial_data;
    unsigned m_extra_copies = 0;
    bool m_has_round_trip = false;
    Time m_round_trip = 0;
    Time m_variation = 0;
    unsigned m_silent_time_outs = 0;
};

} // namespace serial
