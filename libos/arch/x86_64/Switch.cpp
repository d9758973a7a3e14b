#include "arch/Switch.h"
#include "arch/CpuLocal.h"
#include "arch/Registers.h"

extern "C" void thread_start();

namespace arch {

uint64_t prepare_stack(uint64_t stack_top, const TrapFrame* frame, void (*begin)(uint64_t, uint64_t), uint64_t first,
                       uint64_t second) {
    auto* copy = reinterpret_cast<TrapFrame*>(stack_top - sizeof(TrapFrame));
    *copy = frame != nullptr ? *frame : TrapFrame{};
    auto* slot = reinterpret_cast<uint64_t*>(copy);
    *--slot = reinterpret_cast<uint64_t>(&thread_start);
    *--slot = 0;                                 // rbp
    *--slot = reinterpret_cast<uint64_t>(begin); // rbx
    *--slot = first;                             // r12
    *--slot = second;                            // r13
    *--slot = 0;                                 // r14
    *--slot = 0;                                 // r15
    return reinterpret_cast<uint64_t>(slot);
}

void load_thread_context(uint64_t stack_top, uint64_t stack_bottom, uint64_t fs_base) {
    CpuLocal& cpu = this_cpu();
    cpu.kernel_stack_top = stack_top;
    cpu.kernel_stack_bottom = stack_bottom;
    write_msr(msr::fs_base, fs_base);
}

void set_fs_base(uint64_t value) {
    write_msr(msr::fs_base, value);
}

} // namespace arch
