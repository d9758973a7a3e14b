#pragma once
// Ticks of the trace clock (TSC) into nanoseconds.

#include "probes/wire/Channel.h"

#include <cstdint>

namespace tracer {

/// A value; conversions are monotonic and exact to a nanosecond over centuries.
class TraceClock {
public:
    /// `pair_ticks` and `pair_ns` were read together: the TSC, and ns since 1970. Frequencies that no machine has count
    /// as 1 GHz.
    TraceClock(uint64_t hz_untrusted, uint64_t pair_ticks, uint64_t pair_ns)
        : m_hz(hz_untrusted < lowest_hz || hz_untrusted > highest_hz ? 1'000'000'000 : hz_untrusted)
        , m_pair_ticks(pair_ticks)
        , m_pair_ns(static_cast<int64_t>(pair_ns))
        , m_multiplier(static_cast<uint64_t>((static_cast<unsigned __int128>(1'000'000'000) << shift) / m_hz)) {}
    explicit TraceClock(const wire::HelloMessage& hello)
        : TraceClock(hello.tsc_hz, hello.tsc_at_epoch_pair, hello.realtime_ns) {}

    uint64_t hz() const { return m_hz; }
    int64_t duration_ns(uint64_t ticks) const {
        return static_cast<int64_t>((static_cast<unsigned __int128>(ticks) * m_multiplier + half) >> shift);
    }
    /// ns since 1970.
    int64_t realtime_ns(uint64_t ticks) const {
        return ticks >= m_pair_ticks ? m_pair_ns + duration_ns(ticks - m_pair_ticks)
                                     : m_pair_ns - duration_ns(m_pair_ticks - ticks);
    }

    /// The instant of tick 0 as CTF states it: whole seconds since 1970, and ticks on top.
    struct Offset {
        int64_t seconds;
        uint64_t ticks;
    };
    Offset offset() const {
        static constexpr int64_t second = 1'000'000'000;
        int64_t zero = realtime_ns(0);
        int64_t seconds = zero / second - (zero % second < 0 ? 1 : 0);
        auto rest = static_cast<unsigned __int128>(zero - seconds * second);
        return {seconds, static_cast<uint64_t>(rest * m_hz / second)};
    }

private:
    static constexpr unsigned shift = 54;
    static constexpr uint64_t half = uint64_t{1} << (shift - 1);
    static constexpr uint64_t lowest_hz = 1'000'000;
    static constexpr uint64_t highest_hz = 100'000'000'000;
    uint64_t m_hz;
    uint64_t m_pair_ticks;
    int64_t m_pair_ns;
    uint64_t m_multiplier;
};

} // namespace tracer
