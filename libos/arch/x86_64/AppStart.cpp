#include "arch/AppStart.h"
#include "arch/Fpu.h"
#include "arch/Registers.h"

namespace arch {

TrapFrame app_start_frame(uint64_t entry, uint64_t stack_pointer) {
    TrapFrame frame{};
    frame.rip = entry;
    frame.cs = SELECTOR_CODE;
    frame.rflags = 0x202;
    frame.rsp = stack_pointer;
    frame.ss = SELECTOR_DATA;
    return frame;
}

uint64_t hardware_capabilities() {
    return cpuid(1).edx;
}

uint64_t minimum_signal_stack() {
    return fpu_state_size() + 1024;
}

} // namespace arch
