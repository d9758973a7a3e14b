#include "libos/crash/Crash.h"

#include "libos/base/Assert.h"
#include "libos/base/Text.h"
#include "libos/console/Console.h"
#include "libos/control/Control.h"
#include "libos/crash/CoreWriter.h"
#include "libos/debug/Debugger.h"
#include "libos/debug/World.h"
#include "libos/memory/AddressSpace.h"
#include "libos/memory/KernelStack.h"
#include "libos/process/Machine.h"
#include "libos/sched/Clock.h"
#include "libos/sched/Scheduler.h"

#include <arch/Crash.h>
#include <arch/PageTable.h>

namespace crash {

namespace {

/// The report, and what makes it, live on a stack that nothing else uses.
constexpr size_t stack_size = 32768;
alignas(16) constinit std::byte g_stack[stack_size] = {};

constinit std::atomic<uint32_t> g_dying{0}; ///< CPU index + 1
constinit Cause g_cause;
constinit arch::TrapFrame g_frame{};
constinit base::Text<256> g_text;

const char* name_of_signal(int number) {
    switch (number) {
    case signal::Quit:
        return "SIGQUIT";
    case signal::Illegal:
        return "SIGILL, an invalid instruction";
    case signal::Trap:
        return "SIGTRAP, a breakpoint";
    case signal::Abort:
        return "SIGABRT";
    case signal::Bus:
        return "SIGBUS, an access past the end of a file";
    case signal::FloatingPoint:
        return "SIGFPE, a division by zero or the like";
    case signal::Segv:
        return "SIGSEGV";
    case signal::BadSystemCall:
        return "SIGSYS";
    default:
        return "a signal";
    }
}

const char* verb_of(memory::Access access) {
    switch (access) {
    case memory::Access::Read:
        return "read from";
    case memory::Access::Write:
        return "write to";
    case memory::Access::Execute:
        return "jump to";
    }
    return "access to";
}

/// Return addresses by frame pointers, as far as they make sense: the host's report has the real stacks, this is for a
/// console that is all there is.
void print_return_addresses(const arch::TrapFrame& frame, base::TextBuilder& text) {
    text.put("  called from");
    uint64_t pointer = frame.frame_pointer();
    for (int depth = 0; depth < 12; ++depth) {
        auto mapping = pointer % 8 == 0 && pointer != 0 ? arch::find_page(pointer) : std::nullopt;
        auto next = mapping && pointer % 4096 <= 4080 ? mapping : std::nullopt;
        if (!next)
            break;
        const auto* words =
            reinterpret_cast<const uint64_t*>(static_cast<const char*>(arch::direct_map(next->frame)) + pointer % 4096);
        if (words[1] == 0)
            break;
        text.put(' ').hex(words[1]);
        if (words[0] <= pointer)
            break;
        pointer = words[0];
    }
    text.put('\n');
}

void report(void*) {
    base::Text<2048> text;
    text.put("\nuniscope: ").put(g_cause.text).put('\n');
    if (g_cause.culprit != nullptr) {
        text.put("  thread ").decimal(g_cause.culprit->tid).put(" \"").put(g_cause.culprit->name_view());
        text.put("\" on CPU ").decimal(g_cause.culprit->cpu).put(g_cause.in_kernel ? ", in the kernel\n" : "\n");
    }
    arch::print_registers(g_frame, text);
    print_return_addresses(g_frame, text);
    console::write_polled(text.view());

    auto written = write_core(g_cause);
    if (!written && written.error() != base::Error::NoSuchDevice && written.error() != base::Error::BrokenPipe)
        console::write_polled("uniscope: the core could not be sent whole\n");
    control::send_exited_polled(128 + g_cause.signal, g_cause.signal);
    process::power_off();
}

[[noreturn]] void die(const arch::TrapFrame& frame, const Cause& cause) {
    auto& self = arch::this_cpu();
    uint32_t nobody = 0;
    if (!g_dying.compare_exchange_strong(nobody, self.index + 1, std::memory_order_acq_rel)) {
        if (nobody == self.index + 1) {
            // A fault while the report was made: the host takes the core of a machine that crashed.
            console::write_polled("\nuniscope: a second fault while the first was reported\n");
            arch::shut_down_cpu();
        }
        // Another CPU reports already; its NMI parks this one here.
        arch::halt_forever();
    }
    g_frame = frame;
    g_cause = cause;
    g_cause.frame = &g_frame;
    if (!debug::world().is_stopped() || !debug::world().is_leader()) {
        while (!debug::world().stop(g_frame)) {
        }
    }
    debug::world().abandon();
    arch::leave_on_stack(reinterpret_cast<uint64_t>(g_stack) + stack_size, report, nullptr);
}

Cause kernel_cause(std::string_view text, uint32_t signal_number) {
    return {.text = text, .signal = signal_number, .in_kernel = true, .culprit = arch::this_cpu().current};
}

} // namespace

void kernel_page_fault(const arch::TrapFrame& frame, const arch::PageFault& fault) {
    debug::report_kernel_fault(frame, signal::Segv);
    if (g_dying.load(std::memory_order_relaxed) == 0) {
        if (memory::is_kernel_stack_guard(fault.address))
            g_text.put("kernel stack overflow: ");
        g_text.put(verb_of(fault.access)).put(" 0x").hex(fault.address);
        g_text.put(fault.present ? ", which is protected, by the kernel at 0x"
                                 : ", which is not mapped, by the kernel at 0x");
        g_text.hex(frame.pc());
    }
    Cause cause = kernel_cause(g_text.view(), signal::Segv);
    cause.has_address = true;
    cause.address = fault.address;
    die(frame, cause);
}

void kernel_exception(const arch::TrapFrame& frame, arch::Exception exception) {
    debug::report_kernel_fault(frame, signal::Segv);
    if (g_dying.load(std::memory_order_relaxed) == 0)
        g_text.put(arch::to_string(exception)).put(" in the kernel at 0x").hex(frame.pc());
    die(frame, kernel_cause(g_text.view(), signal::Segv));
}

void kernel_stack_overflow(const arch::TrapFrame& frame) {
    if (g_dying.load(std::memory_order_relaxed) == 0)
        g_text.put("kernel stack overflow at 0x").hex(frame.pc());
    die(frame, kernel_cause(g_text.view(), signal::Segv));
}

void double_fault(const arch::TrapFrame& frame) {
    if (g_dying.load(std::memory_order_relaxed) == 0)
        g_text.put("double fault in the kernel at 0x").hex(frame.pc());
    die(frame, kernel_cause(g_text.view(), signal::Segv));
}

void out_of_memory(const arch::TrapFrame& frame, const arch::PageFault& fault) {
    if (g_dying.load(std::memory_order_relaxed) == 0) {
        g_text.put("out of memory: no page left for 0x").hex(fault.address);
        g_text.put(", which is mapped; give the instance more memory (uniscope run -m SIZE)");
    }
    Cause cause{.text = g_text.view(), .signal = signal::Kill, .culprit = arch::this_cpu().current};
    cause.has_address = true;
    cause.address = fault.address;
    die(frame, cause);
}

void fatal_signal(const arch::TrapFrame& frame, const signal::Info& info) {
    bool has_address = info.number == signal::Segv || info.number == signal::Bus;
    if (g_dying.load(std::memory_order_relaxed) == 0) {
        g_text.put("the app was ended by ").put(name_of_signal(info.number));
        if (has_address)
            g_text.put(": access to 0x")
                .hex(info.address_or_sender)
                .put(info.code == 2 ? ", which is protected," : ", which is not mapped,");
        g_text.put(" at 0x").hex(frame.pc());
    }
    Cause cause{
        .text = g_text.view(), .signal = static_cast<uint32_t>(info.number), .culprit = arch::this_cpu().current};
    cause.has_address = has_address;
    cause.address = info.address_or_sender;
    die(frame, cause);
}

void cpu_hangs(uint32_t index) {
    arch::TrapFrame own;
    arch::capture_frame(own);
    uint32_t nobody = 0;
    if (g_dying.load(std::memory_order_relaxed) != nobody || !debug::world().stop(own))
        return; // somebody else stops the world: a debugger at work is no hang
    if (g_dying.exchange(arch::this_cpu().index + 1) != nobody)
        arch::halt_forever();
    auto* frame = debug::world().frame_of_cpu(index);
    g_text.put("CPU ").decimal(index).put(" has taken no timer interrupt for ");
    g_text.decimal(sched::duration_ns(arch::timestamp() - arch::cpu(index).last_tick) / 1'000'000'000).put(" s");
    g_cause = {.text = g_text.view(), .signal = signal::Abort, .culprit = arch::cpu(index).current};
    g_frame = frame != nullptr ? *frame : own;
    g_cause.in_kernel = !g_frame.from_app();
    g_cause.frame = &g_frame;
    debug::world().abandon();
    arch::leave_on_stack(reinterpret_cast<uint64_t>(g_stack) + stack_size, report, nullptr);
}

void panic(std::string_view reason) {
    arch::TrapFrame frame;
    arch::capture_frame(frame);
    die(frame, kernel_cause(reason, signal::Abort));
}

} // namespace crash

namespace base {

void assertion_failed(const char* expression, const char* file, int line) {
    static constinit Text<256> text;
    if (text.size() == 0)
        text.put("assertion failed: ").put(expression).put(" at ").put(file).put(':').decimal(line);
    crash::panic(text.view());
}

} // namespace base
