// The C++ end of TrapEntry.S: which handler a vector goes to.
#include "arch/CpuLocal.h"
#include "arch/Exceptions.h"
#include "arch/Image.h"
#include "arch/LocalApic.h"
#include "arch/Processor.h"
#include "arch/Registers.h"
#include "libos/memory/AddressSpace.h"

extern "C" {
extern const char copy_guarded_words[];
extern const char copy_guarded_bytes[];
extern const char copy_guarded_fault[];
extern const char trap_vectors[];
extern const char trap_return[];
extern const char trap_return_end[];
extern const char syscall_entry[];
extern const char syscall_return[];
extern const char syscall_exit_tail[];
}

namespace arch {

namespace {

constexpr uint8_t debug_vector = 1;
constexpr uint8_t breakpoint_vector = 3;
constexpr uint8_t page_fault_vector = 14;
constexpr uint8_t double_fault_vector = 8;

// Intel SDM vol. 3, table 6-1.
constexpr Exception exception_of_vector(uint64_t vector) {
    switch (vector) {
    case 0:
        return Exception::Divide;
    case 1:
        return Exception::Debug;
    case 3:
        return Exception::Breakpoint;
    case 4:
        return Exception::Overflow;
    case 5:
        return Exception::Bounds;
    case 6:
        return Exception::InvalidInstruction;
    case 7:
        return Exception::NoFpu;
    case 11:
        return Exception::SegmentNotPresent;
    case 12:
        return Exception::StackSegment;
    case 13:
        return Exception::GeneralProtection;
    case 16:
    case 19:
        return Exception::FloatingPoint;
    case 17:
        return Exception::Alignment;
    case 18:
        return Exception::MachineCheck;
    default:
        return Exception::Other;
    }
}

bool is_between(uint64_t address, const char* begin, const char* end) {
    return address >= reinterpret_cast<uint64_t>(begin) && address < reinterpret_cast<uint64_t>(end);
}

/// Entry code is about to build a frame.
bool is_entry(uint64_t address) {
    return is_between(address, trap_vectors, trap_return) || is_between(address, syscall_entry, syscall_return);
}

/// On the way back to the app, some registers are loaded already and others not: what a debugger writes to the frame
/// now would be half seen. Loading changes nothing in memory, so it starts again, by the way that loads all.
void restart_way_out(TrapFrame& frame) {
    if (!is_between(frame.rip, trap_return, trap_return_end) &&
        !is_between(frame.rip, syscall_return, syscall_exit_tail))
        return;
    uint64_t app_frame = this_cpu().kernel_stack_top - sizeof(TrapFrame);
    if (frame.rsp < app_frame || frame.rsp >= this_cpu().kernel_stack_top)
        return; // back to kernel code
    frame.rip = reinterpret_cast<uint64_t>(trap_return);
    frame.rsp = app_frame;
}

/// An NMI that came while entry code built `frame` takes place now, when it is whole.
void take_deferred_nmi(TrapFrame& frame) {
    auto& cpu = this_cpu();
    if (!cpu.nmi_deferred) [[likely]]
        return;
    cpu.nmi_deferred = false;
    trap::on_nmi(frame);
}

/// First thing of each way into the kernel.
void leave_watched_step(bool is_done) {
    if (debug::g_watched_step[this_cpu().index]) [[unlikely]]
        debug::end_watched_step(is_done);
}

/// Last thing of each way out, to what `frame` interrupted.
void enter_watched_step(const TrapFrame& frame) {
    if (frame.is_single_stepping() && debug::watches_data()) [[unlikely]]
        debug::begin_watched_step(frame);
}

debug::SlotExit leave_slot(TrapFrame& frame) {
    if (!this_cpu().in_slot) [[likely]]
        return {};
    return debug::leave_slot(frame, frame.vector == breakpoint_vector);
}

/// Of an interrupt. QEMU 10.0 (not 7.2) saves the flag set, where a processor saves it as it was, clear:
/// the instruction that was interrupted then runs past a breakpoint in the debug registers. The kernel itself relies on
/// the flag for nothing that an interrupt may part (handle_hardware_breakpoint()).
void forget_resume_flag(TrapFrame& frame) {
    frame.stop_at_execute_watch();
}

PageFault decode_page_fault(uint64_t error_code) {
    auto access = (error_code & 0x10) != 0  ? memory::Access::Execute
                  : (error_code & 0x2) != 0 ? memory::Access::Write
                                            : memory::Access::Read;
    return {read_cr2(), access, (error_code & 1) != 0};
}

} // namespace

const char* to_string(Exception exception) {
    switch (exception) {
    case Exception::Divide:
        return "divide error";
    case Exception::Debug:
        return "debug exception";
    case Exception::Breakpoint:
        return "breakpoint";
    case Exception::Overflow:
        return "overflow";
    case Exception::Bounds:
        return "bound range exceeded";
    case Exception::InvalidInstruction:
        return "invalid instruction";
    case Exception::NoFpu:
        return "no floating-point unit";
    case Exception::GeneralProtection:
        return "general protection fault";
    case Exception::StackSegment:
        return "stack fault";
    case Exception::SegmentNotPresent:
        return "segment not present";
    case Exception::FloatingPoint:
        return "floating-point error";
    case Exception::Alignment:
        return "alignment check";
    case Exception::MachineCheck:
        return "machine check";
    case Exception::Other:
        return "unknown exception";
    }
    return "unknown exception";
}

bool is_guarded_copy(const TrapFrame& frame) {
    return frame.rip == reinterpret_cast<uint64_t>(copy_guarded_words) ||
           frame.rip == reinterpret_cast<uint64_t>(copy_guarded_bytes);
}

bool recover_guarded_copy(TrapFrame& frame) {
    if (!is_guarded_copy(frame))
        return false;
    frame.rip = reinterpret_cast<uint64_t>(copy_guarded_fault);
    return true;
}

} // namespace arch

extern "C" void trap_dispatch(arch::TrapFrame* frame) {
    using namespace arch;
    leave_watched_step(frame->vector == debug_vector);
    debug::SlotExit slot = leave_slot(*frame);
    take_deferred_nmi(*frame);
    uint64_t vector = frame->vector;
    if (vector >= first_device_vector)
        forget_resume_flag(*frame);
    if (vector == page_fault_vector) {
        trap::on_page_fault(*frame, decode_page_fault(frame->error_code));
    } else if (vector == timer_vector) {
        end_of_interrupt();
        trap::on_timer(*frame);
    } else if (vector == request_vector) {
        end_of_interrupt();
        serve_cpu_requests();
    } else if (vector == reschedule_vector) {
        end_of_interrupt();
        this_cpu().reschedule.store(true, std::memory_order_relaxed);
    } else if (vector >= first_device_vector && vector <= last_device_vector) {
        trap::on_device_interrupt(*frame, static_cast<unsigned>(vector - first_device_vector));
        end_of_interrupt();
    } else if (vector == double_fault_vector) {
        trap::on_double_fault(*frame);
    } else if (vector != spurious_vector && !slot.was_its_end) {
        if (trap::on_exception(*frame, exception_of_vector(vector)))
            slot.unfinished = frame->pc();
    }
    bool is_unfinished = slot.unfinished != 0 && slot.unfinished == frame->pc();
    if (frame->from_app())
        is_unfinished ? trap::on_return_to_slot(*frame) : trap::on_return_to_app(*frame);
    if (is_unfinished)
        debug::return_to_slot(*frame, slot.unfinished);
    enter_watched_step(*frame);
}

extern "C" void nmi_dispatch(arch::TrapFrame* frame) {
    using namespace arch;
    // A slot that is taken, and not left yet or not entered: the next trap, if not this code itself, is near.
    bool is_around_slot = this_cpu().in_slot && !slot_range().contains(frame->rip);
    if (is_entry(frame->rip) || is_around_slot) {
        this_cpu().nmi_deferred = true;
        return;
    }
    // On the way out to a step: the code of that way goes on, and the step is one without watchpoints still.
    bool was_watched_step = debug::g_watched_step[this_cpu().index];
    leave_watched_step(false);
    debug::SlotExit slot = leave_slot(*frame);
    forget_resume_flag(*frame);
    restart_way_out(*frame);
    trap::on_nmi(*frame);
    if (slot.unfinished != 0)
        debug::return_to_slot(*frame, slot.unfinished);
    bool is_on_way_out = frame->rip == reinterpret_cast<uint64_t>(trap_return);
    const TrapFrame& next = is_on_way_out ? *reinterpret_cast<const TrapFrame*>(frame->rsp) : *frame;
    if (next.is_single_stepping())
        enter_watched_step(next);
    else if (was_watched_step)
        debug::resume_watched_step();
}

extern "C" [[noreturn]] void kernel_stack_overflow(arch::TrapFrame* frame) {
    arch::leave_slot(*frame);
    trap::on_kernel_stack_overflow(*frame);
}

extern "C" void syscall_dispatch(arch::TrapFrame* frame) {
    arch::leave_watched_step(false);
    if (arch::this_cpu().in_slot) [[unlikely]] {
        arch::leave_slot(*frame);
        frame->rcx = frame->rip;
    }
    arch::take_deferred_nmi(*frame);
    trap::on_system_call(*frame);
    syscalls::dispatch(*frame);
    trap::on_return_to_app(*frame);
    arch::enter_watched_step(*frame);
}
