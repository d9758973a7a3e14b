#pragma once
// Signal numbers: targets speak Linux', the protocol speaks gdb's own.
// Sources: signal(7) for x86-64; GDB's include/gdb/signals.def.

#include <array>
#include <cstdint>

namespace gdbstub {

namespace signals {
inline constexpr int interrupt = 2; // Linux SIGINT
inline constexpr int trap = 5;      // Linux SIGTRAP
} // namespace signals

inline constexpr unsigned gdb_signal_count = 160;

namespace detail {

inline constexpr uint8_t gdb_unknown_signal = 143;

/// Indexed by Linux' number.
inline constexpr auto gdb_signals = [] {
    std::array<uint8_t, 65> table{
        0,
        1,
        2,
        3,
        4,
        5,
        6,
        10, // HUP INT QUIT ILL TRAP ABRT BUS
        8,
        9,
        30,
        11,
        31,
        13,
        14,
        15,                 // FPE KILL USR1 SEGV USR2 PIPE ALRM TERM
        gdb_unknown_signal, // STKFLT, which gdb has no name for
        20,
        19,
        17,
        18,
        21,
        22,
        16, // CHLD CONT STOP TSTP TTIN TTOU URG
        24,
        25,
        26,
        27,
        28,
        23,
        32,
        12, // XCPU XFSZ VTALRM PROF WINCH IO PWR SYS
    };
    table[32] = 77;
    for (unsigned i = 33; i <= 63; ++i)
        table[i] = static_cast<uint8_t>(45 + i - 33);
    table[64] = 78;
    return table;
}();

} // namespace detail

constexpr uint8_t to_gdb_signal(int linux_signal) {
    if (linux_signal < 0 || linux_signal >= static_cast<int>(detail::gdb_signals.size()))
        return detail::gdb_unknown_signal;
    return detail::gdb_signals[static_cast<unsigned>(linux_signal)];
}

/// -1 for a signal that Linux has not.
constexpr int to_linux_signal(uint64_t gdb_signal) {
    for (unsigned i = 0; i < detail::gdb_signals.size(); ++i)
        if (detail::gdb_signals[i] == gdb_signal && gdb_signal != detail::gdb_unknown_signal)
            return static_cast<int>(i);
    return -1;
}

/// A set of signals by gdb's numbers.
class SignalSet {
public:
    constexpr void clear() { m_bits = {}; }
    constexpr void add(uint64_t gdb_signal) {
        if (gdb_signal < gdb_signal_count)
            m_bits[gdb_signal / 32] |= uint32_t{1} << gdb_signal % 32;
    }
    constexpr bool contains(uint64_t gdb_signal) const {
        return gdb_signal < gdb_signal_count && (m_bits[gdb_signal / 32] >> gdb_signal % 32 & 1) != 0;
    }

private:
    std::array<uint32_t, gdb_signal_count / 32> m_bits{};
};

} // namespace gdbstub
