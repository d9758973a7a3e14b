#pragma once
// Signal numbers, sets and the state of a process and of each thread. Layouts are Linux' on x86-64:
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
    WindowChange = 28,
    BadSystemCall = 31,
    last_number = 64,
};

using Set = uint64_t;
constexpr Set bit(int number) {
    return Set{1} << (number - 1);
}

/// struct kernel_sigaction.
struct Action {
    uint64_t handler;
    uint64_t flags;
    uint64_t restorer;
    Set mask;
};

/// stack_t.
struct AlternateStack {
    uint64_t base;
    int32_t flags;
    uint32_t padding;
    uint64_t size;
};

/// siginfo_t: the parts that are filled in; the whole is 128 bytes.
struct Info {
    int32_t number = 0;
    int32_t error = 0;
    int32_t code = 0;
    int32_t padding = 0;
    uint64_t address_or_sender = 0; ///< si_addr, or si_pid and si_uid
    uint64_t value = 0;
    uint8_t rest[128 - 32] = {};
};
static_assert(sizeof(Info) == 128);

/// Guarded by the signal lock (Signals.cpp); `mask` is the thread's own.
struct ThreadSignals {
    Set mask = 0;
    Set pending = 0;
    Set saved_mask = 0; ///< restored after a handler ran during sigsuspend, ppoll, ...
    bool restore_saved_mask = false;
    AlternateStack alternate{0, 2 /* SS_DISABLE */, 0, 0};
    Info info; ///< of the newest pending synchronous or directed signal
};

} // namespace signal
