#pragma once
// Signal numbers, sets, actions and what is told of a signal. Layouts are Linux' on x86-64:
// include/uapi/asm-generic/signal.h and arch/x86/include/uapi/asm/signal.h.

#include <cstdint>

namespace signal {

enum Number : int {
    Hup = 1,
    Int = 2,
    Quit = 3,
    Illegal = 4,
    Trap = 5,
    Abort = 6,
    Bus = 7,
    FloatingPoint = 8,
    Kill = 9,
    User1 = 10,
    Segv = 11,
    User2 = 12,
    Pipe = 13,
    Alarm = 14,
    Term = 15,
    StackFault = 16,
    Child = 17,
    Continue = 18,
    Stop = 19,
    TerminalStop = 20,
    TerminalIn = 21,
    TerminalOut = 22,
    Urgent = 23,
    VirtualAlarm = 26,
    Profile = 27,
    WindowChange = 28,
    BadSystemCall = 31,
    /// From here on each one that is sent is delivered, in order; one below waits once, however often it is sent.
    first_real_time = 32,
    last_number = 64,
};

using Set = uint64_t;
constexpr Set bit(int number) {
    return Set{1} << (number - 1);
}
inline constexpr Set unblockable = bit(Kill) | bit(Stop);

/// Where a signal comes from: si_code. include/uapi/asm-generic/siginfo.h.
enum Code : int32_t {
    SentByKill = 0,
    SentByKernel = 0x80,
    SentByQueue = -1,
    SentByTimer = -2,
    SentByTkill = -6,
};

/// struct kernel_sigaction.
struct Action {
    uint64_t handler;
    uint64_t flags;
    uint64_t restorer;
    Set mask;
};

/// stack_t.
struct AlternateStack {
    static constexpr int32_t on_it = 1; ///< SS_ONSTACK: the thread runs on it
    static constexpr int32_t disabled = 2;
    static constexpr int32_t auto_disarm = INT32_MIN; ///< SS_AUTODISARM: disabled while a handler runs

    uint64_t base = 0;
    int32_t flags = disabled;
    uint32_t padding = 0;
    uint64_t size = 0;

    bool contains(uint64_t sp) const { return (flags & disabled) == 0 && sp > base && sp - base <= size; }
};

/// siginfo_t: the parts that are filled in; the whole is 128 bytes.
struct Info {
    int32_t number = 0;
    int32_t error = 0;
    int32_t code = 0;
    int32_t padding = 0;
    /// si_addr; or si_pid and si_uid; or of a timer si_timerid and, in the upper half, si_overrun.
    uint64_t address_or_sender = 0;
    uint64_t value = 0; ///< si_value
    uint8_t rest[128 - 32] = {};
};
static_assert(sizeof(Info) == 128);

} // namespace signal
