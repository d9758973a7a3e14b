#include "probes/serial/LineEstimate.h"

namespace serial {

namespace {

constexpr uint32_t square_root(uint64_t value) {
    uint32_t root = 0;
    for (uint32_t bit = 1u << 15; bit != 0; bit >>= 1) {
        if (uint64_t{root + bit} * (root + bit) <= value)
            root += bit;
    }
    return root;
}

} // namespace

void LineEstimate::note_frame(size_t line_bytes, bool arrived) {
    m_bytes += static_cast<uint32_t>(line_bytes);
    // A lost frame may have been hit more than once: ln(1 / (1 - f)) times for a share f of losses, about f + f^2.
    m_lost_256 += arrived ? 0 : 256 + m_fate_256;
    m_fate_256 = (m_fate_256 * 15 + (arrived ? 0 : 256)) / 16;
    m_extra_copies = m_fate_256 > 96 ? 2 : m_fate_256 > 32 ? 1 : 0;
    if (m_bytes >= memory) {
        m_bytes /= 2;
        m_lost_256 /= 2;
    }
    choose_size();
}

void LineEstimate::choose_size() {
    uint64_t square = uint64_t{overhead} * m_bytes * 256 / std::max<uint32_t>(m_lost_256, 1);
    m_data_size =
        std::clamp<size_t>(square_root(std::min<uint64_t>(square, UINT32_MAX / 2)), min_data, wire::serial_max_data);
}

void LineEstimate::note_round_trip(Time duration) {
    if (!m_has_round_trip) {
        m_has_round_trip = true;
        m_round_trip = duration;
        m_variation = duration / 2;
        return;
    }
    Time difference = duration > m_round_trip ? duration - m_round_trip : m_round_trip - duration;
    m_variation = (3 * m_variation + difference) / 4;
    m_round_trip = (7 * m_round_trip + duration) / 8;
}

Time LineEstimate::time_out() const {
    Time base = m_has_round_trip ? m_round_trip + 4 * m_variation : initial_time_out;
    unsigned doublings = m_silent_time_outs > patient_time_outs ? m_silent_time_outs - patient_time_outs : 0;
    return std::min(std::max(base, min_time_out) << doublings, max_time_out);
}

} // namespace serial
