// Debug registers: Intel SDM vol. 3, section 17.2.
#include "arch/Debug.h"
#include "arch/Registers.h"

namespace arch {

void end_nmi_blocking() {
    asm volatile("movq %%rsp, %%rax\n"
                 "pushq %0\n"
                 "pushq %%rax\n"
                 "pushfq\n"
                 "pushq %1\n"
                 "leaq 1f(%%rip), %%rax\n"
                 "pushq %%rax\n"
                 "iretq\n"
                 "1:" ::"i"(SELECTOR_DATA),
                 "i"(SELECTOR_CODE)
                 : "rax", "memory", "cc");
}

void load_watch_points(const WatchPoint (&points)[watch_registers]) {
    uint64_t control = 0;
    for (unsigned i = 0; i < watch_registers; ++i) {
        if (!points[i].used)
            continue;
        write_dr(i, points[i].address);
        uint64_t kind = points[i].kind == WatchKind::Execute ? 0 : points[i].kind == WatchKind::Write ? 1 : 3;
        uint64_t length = points[i].length == 8 ? 2 : points[i].length - 1;
        control |= uint64_t{2} << (2 * i); // global enable
        control |= (kind | length << 2) << (16 + 4 * i);
    }
    write_dr(7, control);
}

void disable_watch_points() {
    write_dr(7, 0);
}

DebugStatus take_debug_status() {
    uint64_t value = read_dr(6);
    write_dr(6, 0xffff0ff0);
    DebugStatus status;
    status.single_step = (value & (1u << 14)) != 0;
    for (int i = 0; i < static_cast<int>(watch_registers); ++i) {
        if ((value >> i & 1) != 0) {
            status.watch_point = i;
            break;
        }
    }
    return status;
}

} // namespace arch
