#pragma once
// Sections in which the debugger does not stop this CPU, since it is in the middle of something that the debugger
// itself uses: a stop that lands there takes place at the section's end. Contract header.
//
// Interrupts are off inside. Cost: a few instructions of this CPU's own memory, no lock prefix.

#include <arch/CpuLocal.h>

#include <atomic>

namespace arch {

/// Makes the stop that was put off take place: an NMI to this CPU.
void take_put_off_stop();

inline void enter_no_stop() {
    auto& cpu = this_cpu();
    cpu.no_stop_depth = cpu.no_stop_depth + 1;
    // Only this CPU's own NMIs look: the compiler's order is all that matters.
    std::atomic_signal_fence(std::memory_order_seq_cst);
}

inline void leave_no_stop() {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    auto& cpu = this_cpu();
    cpu.no_stop_depth = cpu.no_stop_depth - 1;
    // An NMI between the two finds depth 0 and stops at once; one before has set the flag.
    if (cpu.no_stop_depth == 0 && cpu.stop_put_off) [[unlikely]]
        take_put_off_stop();
}

/// Around a SpinLock, interrupts off. Another CPU's stop waits for its end, for a moment, so that in the stopped world
/// what locks guard is whole, as a rule; what this CPU runs into by itself stops it there.
inline void enter_spin_lock() {
    auto& cpu = this_cpu();
    cpu.spin_locks = cpu.spin_locks + 1;
    std::atomic_signal_fence(std::memory_order_seq_cst);
}
inline void leave_spin_lock() {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    auto& cpu = this_cpu();
    cpu.spin_locks = cpu.spin_locks - 1;
    if (cpu.spin_locks == 0 && cpu.no_stop_depth == 0 && cpu.stop_put_off) [[unlikely]]
        take_put_off_stop();
}
inline bool holds_spin_lock() {
    return this_cpu().spin_locks != 0;
}

/// From an NMI or an exception on this CPU.
inline bool in_no_stop() {
    return this_cpu().no_stop_depth != 0;
}
inline void put_off_stop() {
    this_cpu().stop_put_off = true;
}

/// Such a section for a scope, where it is not a lock's (sched::NoStopLock).
class [[nodiscard]] NoStop {
public:
    NoStop() { enter_no_stop(); }
    ~NoStop() { leave_no_stop(); }
    NoStop(const NoStop&) = delete;
    NoStop& operator=(const NoStop&) = delete;
};

} // namespace arch
