#pragma once
// Debugger: composes the gdbstub session with this kernel: the gdb channel, stops and what follows from them.

#include "libos/signal/SignalState.h"

#include <arch/Exceptions.h>

namespace gdbstub {
class Files;
class Monitor;
} // namespace gdbstub

namespace sched {
class Thread;
}

namespace debug {

struct Options {
    bool wait_at_app_entry = false;
    bool wait_at_boot = false;
    bool kill_allowed = false;
    uint64_t silence_limit_ns = 0; ///< see GdbChannels::set_silence_limit()
    gdbstub::Files* files = nullptr;
    gdbstub::Monitor* monitor = nullptr; ///< for what this folder's own commands are not; see GuestTarget
};

/// Boot, thread context: for wait_at_boot, holds the machine for a debugger on the second UART, which needs no driver;
/// on another link it is held in start().
void initialize(const Options& options);
/// Boot, thread context, when the links are there: serves gdb on all of them.
void start();

enum class Handled : uint8_t {
    No,        ///< the app's own
    Yes,       ///< the frame goes on as it is now
    OutOfLine, ///< the frame goes on by return_to_slot()
};
/// #DB and #BP.
Handled handle_exception(arch::TrapFrame& frame, arch::Exception exception);
/// On the NMI stack: a request to park, or a break-in from outside.
void handle_nmi(arch::TrapFrame& frame);
/// After an interrupt: stops here if gdb asked for it.
void stop_if_requested(arch::TrapFrame& frame);
/// From each timer interrupt.
void on_tick(arch::TrapFrame& frame);
/// Before the app's system call in `frame`: gdb may want to hear of it.
void enter_system_call(arch::TrapFrame& frame);
/// On the way back to the app. From a system call gdb may want to hear of that, and a step over the call ends here.
void finish_system_call(arch::TrapFrame& frame);

/// An app thread's first instructions in the kernel, before it runs in the app.
void on_thread_start(sched::Thread& thread);

/// `info` is about to be delivered to the current thread: gdb may look first, and change it or make it another signal.
/// False: it is not delivered.
bool filter_signal(arch::TrapFrame& frame, signal::Info& info);
/// The kernel is about to die of a fault in `frame`: gdb may look first.
void report_kernel_fault(const arch::TrapFrame& frame, int signal_number);
/// The app ended: what breakpoints printed goes out, and gdb is told. Thread context.
void report_exit(uint32_t status, int signal_number);

bool is_attached();

} // namespace debug
