#include "libos/process/FaultInjection.h"

#include "libos/base/Assert.h"

#include <arch/Crash.h>
#include <arch/Processor.h>

namespace process {

namespace {

constinit bool g_allowed = false;
constinit volatile uint64_t g_wild_address = 0xffffe00000001000; // nothing is ever mapped there
constinit volatile bool g_never = false;

[[gnu::noinline]] void write_to_wild_address() {
    *reinterpret_cast<volatile uint64_t*>(g_wild_address) = 1;
}

[[gnu::noinline]] uint64_t overflow_the_kernel_stack(uint64_t depth) {
    volatile uint64_t frame[64];
    frame[depth % 64] = depth;
    return g_never ? frame[0] : overflow_the_kernel_stack(depth + 1) + frame[depth % 64];
}

[[gnu::noinline]] void hang_with_interrupts_off() {
    while (!g_never)
        arch::relax();
}

base::Result<uint64_t> sys_uniscope_fault(const syscalls::Arguments& a) {
    if (!g_allowed)
        return base::fail(base::Error::NoSystemCall);
    switch (static_cast<InjectedFault>(a.value[0])) {
    case InjectedFault::WildWrite:
        write_to_wild_address();
        return 0;
    case InjectedFault::StackOverflow:
        return overflow_the_kernel_stack(0);
    case InjectedFault::TripleFault:
        arch::shut_down_cpu();
    case InjectedFault::HangWithInterruptsOff:
        hang_with_interrupts_off();
        return 0;
    case InjectedFault::FailedAssertion:
        ASSERT(g_never);
        return 0;
    }
    return base::fail(base::Error::Invalid);
}

} // namespace

void allow_injected_faults() {
    g_allowed = true;
}

constexpr syscalls::Entry fault_system_calls[1] = {
    {fault_system_call, "uniscope_fault", {syscalls::ArgumentKind::Int}, sys_uniscope_fault},
};

} // namespace process
