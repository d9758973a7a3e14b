#pragma once
// EventMerge gives the events of all CPUs of a trace in order of time.

#include "tracer/trace/TraceDirectory.h"

#include <limits>

namespace tracer {

/// Refers to the trace and the table, which must outlive it. next() costs a comparison per event while one CPU's events
/// come in a row, and one per CPU where they alternate.
class EventMerge {
public:
    EventMerge(const TraceDirectory& trace, const DecodeTable& table)
        : m_table(table) {
        for (const auto& stream : trace.streams()) {
            m_cpus.push_back({.stream = &stream, .packet = 0, .cursor = {}, .event = {}});
            open_packet(m_cpus.back());
            if (!advance(m_cpus.back()))
                m_cpus.pop_back();
        }
        choose();
    }

    /// False behind the last event. Otherwise current() is the next one.
    bool next() {
        if (m_cpus.empty())
            return false;
        if (!m_is_first) {
            auto& cpu = m_cpus[m_current];
            if (!advance(cpu)) {
                m_cpus.erase(m_cpus.begin() + static_cast<std::ptrdiff_t>(m_current));
                choose();
            } else if (cpu.event.timestamp > m_runner_up) {
                choose();
            }
        }
        m_is_first = false;
        return !m_cpus.empty();
    }
    const DecodedEvent& current() const { return m_cpus[m_current].event; }
    uint32_t cpu() const { return m_cpus[m_current].stream->cpu; }
    uint64_t damaged_packets() const { return m_damaged; }

private:
    struct Cpu {
        const PacketStream* stream;
        size_t packet;
        PacketCursor cursor;
        DecodedEvent event;
    };

    void open_packet(Cpu& cpu) {
        if (cpu.packet < cpu.stream->packets.size())
            cpu.cursor = PacketCursor(m_table, cpu.stream->packets[cpu.packet]);
    }
    bool advance(Cpu& cpu) {
        while (cpu.packet < cpu.stream->packets.size()) {
            if (cpu.cursor.next(cpu.event))
                return true;
            m_damaged += cpu.cursor.is_damaged() ? 1 : 0;
            ++cpu.packet;
            open_packet(cpu);
        }
        return false;
    }
    /// The earliest becomes current; the second earliest bounds how long it stays.
    void choose() {
        m_runner_up = std::numeric_limits<uint64_t>::max();
        m_current = 0;
        for (size_t i = 1; i < m_cpus.size(); ++i) {
            uint64_t timestamp = m_cpus[i].event.timestamp;
            uint64_t best = m_cpus[m_current].event.timestamp;
            m_runner_up = std::min(m_runner_up, std::max(timestamp, best));
            if (timestamp < best)
                m_current = i;
        }
    }

    const DecodeTable& m_table;
    std::vector<Cpu> m_cpus;
    size_t m_current = 0;
    uint64_t m_runner_up = 0;
    uint64_t m_damaged = 0;
    bool m_is_first = true;
};

} // namespace tracer
