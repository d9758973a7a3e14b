#pragma once
// The end of an instance that went wrong: a report on the console, a core to the host, power off. None returns but
// where said.

#include "libos/signal/SignalState.h"

#include <arch/Exceptions.h>
#include <cstdint>
#include <string_view>

namespace crash {

[[noreturn]] void kernel_page_fault(const arch::TrapFrame& frame, const arch::PageFault& fault);
[[noreturn]] void kernel_exception(const arch::TrapFrame& frame, arch::Exception exception);
[[noreturn]] void kernel_stack_overflow(const arch::TrapFrame& frame);
[[noreturn]] void double_fault(const arch::TrapFrame& frame);
[[noreturn]] void out_of_memory(const arch::TrapFrame& frame, const arch::PageFault& fault);
/// A signal whose action is to end the app with a core. `info` says where from.
[[noreturn]] void fatal_signal(const arch::TrapFrame& frame, const signal::Info& info);
/// From the watchdog: CPU `index` takes no interrupts any more. Returns if the world is stopped for another reason.
void cpu_hangs(uint32_t index);
/// The kernel found itself broken; registers are those of the caller.
[[noreturn]] void panic(std::string_view reason);

} // namespace crash
