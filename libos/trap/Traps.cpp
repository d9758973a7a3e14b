// What the kernel does on exceptions and interrupts.
#include "libos/control/Control.h"
#include "libos/crash/Crash.h"
#include "libos/crash/Watchdog.h"
#include "libos/debug/Debugger.h"
#include "libos/memory/AddressSpace.h"
#include "libos/memory/KernelStack.h"
#include "libos/sched/Scheduler.h"
#include "libos/signal/Signals.h"
#include "libos/trace/Events.h"
#include "libos/trace/Tracer.h"
#include "libos/trap/DeviceInterrupts.h"

#include <arch/Exceptions.h>
#include <arch/PageTable.h>

namespace trap {

namespace {

struct SignalOfException {
    int number;
    int code;
};

// Linux: arch/x86/kernel/traps.c; codes from include/uapi/asm-generic/siginfo.h.
SignalOfException signal_of(arch::Exception exception) {
    using arch::Exception;
    switch (exception) {
    case Exception::Divide:
        return {signal::FloatingPoint, 1}; // FPE_INTDIV
    case Exception::FloatingPoint:
        return {signal::FloatingPoint, 7}; // FPE_FLTINV
    case Exception::InvalidInstruction:
        return {signal::Illegal, 2}; // ILL_ILLOPN
    case Exception::Breakpoint:
        return {signal::Trap, 0x80}; // SI_KERNEL
    case Exception::Debug:
        return {signal::Trap, 2}; // TRAP_TRACE
    case Exception::Alignment:
        return {signal::Bus, 1}; // BUS_ADRALN
    default:
        return {signal::Segv, 0x80}; // SI_KERNEL
    }
}

} // namespace

void on_page_fault(arch::TrapFrame& frame, const arch::PageFault& fault) {
    trace::page_fault_entry(frame, fault.address);
    base::Result<> result = base::fail(base::Error::Fault);
    // The kernel touches app memory only in guarded copies; anything else is its own fault, in both senses.
    if (fault.address < arch::app_end && (frame.from_app() || arch::is_guarded_copy(frame)))
        result = memory::address_space().resolve(fault.address, fault.access);
    trace::page_fault_exit(fault.address, result ? 0 : static_cast<int>(result.error()));
    if (result)
        return;
    if (!frame.from_app()) {
        if (arch::recover_guarded_copy(frame))
            return;
        crash::kernel_page_fault(frame, fault);
    }
    // Linux: a page that cannot be had although it is mapped ends in SIGBUS (past the end of a file) or in the OOM
    // killer.
    if (result.error() == base::Error::NoMemory)
        crash::out_of_memory(frame, fault);
    signal::Info info;
    info.number = result.error() == base::Error::Range ? signal::Bus : signal::Segv;
    info.code = result.error() == base::Error::Access ? 2 : 1; // SEGV_ACCERR, SEGV_MAPERR; BUS_ADRERR is 2
    if (info.number == signal::Bus)
        info.code = 2;
    info.address_or_sender = fault.address;
    signal::raise_fault(frame, info);
}

bool on_exception(arch::TrapFrame& frame, arch::Exception exception) {
    auto handled = debug::handle_exception(frame, exception);
    if (handled != debug::Handled::No)
        return handled == debug::Handled::OutOfLine;
    if (!frame.from_app())
        crash::kernel_exception(frame, exception);
    auto [number, code] = signal_of(exception);
    signal::Info info;
    info.number = number;
    info.code = code;
    info.address_or_sender = frame.pc();
    signal::raise_fault(frame, info);
    return false;
}

void on_timer(arch::TrapFrame& frame) {
    trace::tick_sample(frame);
    trace::tick();
    control::tick();
    crash::watch_neighbour();
    sched::scheduler().timer_interrupt();
    signal::on_timer_interrupt();
    debug::on_tick(frame);
}

void on_system_call(arch::TrapFrame& frame) {
    debug::enter_system_call(frame);
}

void on_return_to_app(arch::TrapFrame& frame) {
    debug::finish_system_call(frame);
    if (trace::probe_in_progress())
        return; // an app's probe is between reserve and commit: it goes on first, the next tick comes back to this
    sched::scheduler().preempt_if_needed();
    signal::deliver_pending(frame);
}

void on_return_to_slot(arch::TrapFrame&) {
    if (!trace::probe_in_progress())
        sched::scheduler().preempt_if_needed();
}

void on_nmi(arch::TrapFrame& frame) {
    debug::handle_nmi(frame);
}

void on_kernel_stack_overflow(arch::TrapFrame& frame) {
    crash::kernel_stack_overflow(frame);
}

void on_double_fault(arch::TrapFrame& frame) {
    crash::double_fault(frame);
}

} // namespace trap
