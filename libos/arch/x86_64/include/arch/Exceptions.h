#pragma once
// What arch code calls when the CPU entered the kernel; libos/trap and libos/syscall define these. Contract header.
// Interrupts are off in all of them; `frame` lies on the thread's kernel stack.

#include "arch/CpuLocal.h"
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
/// True: the instruction at the frame's pc is to be executed out of line (see below) when the frame returns.
bool on_exception(arch::TrapFrame& frame, arch::Exception exception);
void on_timer(arch::TrapFrame& frame);
void on_device_interrupt(arch::TrapFrame& frame, unsigned line);
/// Before the system call in `frame` is dispatched.
void on_system_call(arch::TrapFrame& frame);
/// Last thing before any return to the app: preemption, signals, exit.
void on_return_to_app(arch::TrapFrame& frame);
/// The same in the middle of an instruction that is executed out of line: signals wait for its end.
void on_return_to_slot(arch::TrapFrame& frame);
/// On the NMI stack; `frame` is the interrupted context.
void on_nmi(arch::TrapFrame& frame);
/// On the emergency stack: the kernel stack has no room, or the stack pointer is wild.
[[noreturn]] void on_kernel_stack_overflow(arch::TrapFrame& frame);
[[noreturn]] void on_double_fault(arch::TrapFrame& frame);

} // namespace trap

/// Instructions under breakpoints, executed in another place: libos/debug/OutOfLine.h.
namespace debug {

struct SlotExit {
    uint64_t unfinished = 0;  ///< address of the instruction, if it is still to be executed; else 0
    bool was_its_end = false; ///< the exception was the breakpoint behind it, and is done with
};
/// First thing in each trap while CpuLocal::in_slot.
SlotExit leave_slot(arch::TrapFrame& frame, bool is_breakpoint);
/// Last thing before `frame` returns, if it was interrupted with the instruction at `address` unfinished.
void return_to_slot(arch::TrapFrame& frame, uint64_t address);

// Single steps while data are watched: libos/debug/WatchedStep.h. Interrupts off.

/// By CPU, its own only: it is on its way to a step, or in it.
extern bool g_watched_step[arch::max_cpus];
bool watches_data();
/// On the way to the code of `frame`, which is to make a step.
void begin_watched_step(const arch::TrapFrame& frame);
/// After an NMI on that way.
void resume_watched_step();
/// `is_done`: by a debug exception; it may be that of the step.
void end_watched_step(bool is_done);

} // namespace debug

namespace syscalls {
void dispatch(arch::TrapFrame& frame);
}
