#pragma once
// Contract header for hosted unit tests: there is nothing to mask.

namespace arch {

struct InterruptState {};

inline bool interrupts_enabled() {
    return true;
}
inline InterruptState disable_interrupts() {
    return {};
}
inline void restore_interrupts(InterruptState) {}

} // namespace arch
