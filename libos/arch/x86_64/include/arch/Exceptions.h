#pragma once
// What arch code calls when the CPU entered the kernel; libos/trap and libos/syscall define these. Contract header.
// Interrupts are off in all of them; `frame` lies on the thread's kernel stack.

#include "arch/TrapFrame.h"

#include <cstdint>

namespace memory {
enum class Access : uint8_t;
}

namespace arch {

enum class Exception : uint8_t {
    Divide,
    Debug,
    Breakpoint,
    Overflow,
    Bounds,
    InvalidInstruction,
    NoFpu,
    GeneralProtection,
    StackSegment,
    SegmentNotPresent,
    FloatingPoint,
    Alignment,
    MachineCheck,
    Other,
};

/// For reports: "divide error", ...
const char* to_string(Exception exception);

struct PageFault {
    uint64_t address;
    memory::Access access;
    bool present; ///< the page is there: it is its protection that was hurt
};

/// The faulting instruction is the kernel's copy from or to app memory.
bool is_guarded_copy(const TrapFrame& frame);

/// The frame of the instruction at which a copy from or to app memory faulted is sent to its error return.
/// False: the fault was not in such a copy.
bool recover_guarded_copy(TrapFrame& frame);

} // namespace arch

namespace trap {

void on_page_fault(arch::TrapFrame& frame, const arch::PageFault& fault);
void on_exception(arch::TrapFrame& frame, arch::Exception exception);
void on_timer(arch::TrapFrame& frame);
void on_device_interrupt(arch::TrapFrame& frame, unsigned line);
/// Last thing before any return to the app: preemption, signals, exit.
void on_return_to_app(arch::TrapFrame& frame);
/// On the NMI stack; `frame` is the interrupted context.
void on_nmi(arch::TrapFrame& frame);
/// On the emergency stack: the kernel stack has no room, or the stack pointer is wild.
[[noreturn]] void on_kernel_stack_overflow(arch::TrapFrame& frame);
[[noreturn]] void on_double_fault(arch::TrapFrame& frame);

} // namespace trap

namespace syscalls {
void dispatch(arch::TrapFrame& frame);
}
