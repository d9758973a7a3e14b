// Layout: struct rt_sigframe, ucontext and sigcontext of Linux, arch/x86/include/uapi/asm/sigcontext.h. The FPU area
// carries the software-reserved bytes that say it is XSAVE format, as debuggers and unwinders of the app expect.
#include "libos/signal/SignalFrame.h"

#include "arch/Fpu.h"
#include "arch/PageTable.h"
#include "libos/base/Bits.h"
#include "libos/memory/UserMemory.h"
#include "libos/sched/Scheduler.h"

#include <cstring>

namespace signal {

namespace {

struct SigContext {
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags;
    uint16_t cs, gs, fs, ss;
    uint64_t error, trap_number, old_mask, cr2, fpu_state;
    uint64_t reserved[8];
};
static_assert(sizeof(SigContext) == 256);

struct UserContext {
    uint64_t flags; ///< UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS
    uint64_t link;
    AlternateStack stack;
    SigContext context;
    Set mask;
};

struct Frame {
    uint64_t restorer;
    UserContext user;
    Info info;
};

struct SoftwareReserved { ///< struct _fpx_sw_bytes, at byte 464 of the FXSAVE area
    uint32_t magic1;
    uint32_t extended_size;
    uint64_t features;
    uint32_t state_size;
    uint32_t padding[7];
};
static_assert(sizeof(SoftwareReserved) == 48);

constexpr uint32_t fp_magic1 = 0x46505853;
constexpr uint32_t fp_magic2 = 0x46505845;
constexpr uint64_t flag_on_stack = 0x08000000;
constexpr uint64_t flag_restorer = 0x04000000;
constexpr uint64_t red_zone = 128;
// What an app may change by sigreturn: CF PF AF ZF SF TF DF OF RF AC.
constexpr uint64_t user_flags = 0x0000000000050dd5;

} // namespace

bool push_signal_frame(arch::TrapFrame& frame, const Info& info, const Action& action, ThreadSignals& signals) {
    if ((action.flags & flag_restorer) == 0)
        return false; // the x86-64 ABI has no other way back
    uint64_t sp = frame.rsp - red_zone;
    bool is_armed = (signals.alternate.flags & AlternateStack::disabled) == 0;
    if ((action.flags & flag_on_stack) != 0 && is_armed && !signals.alternate.contains(frame.rsp))
        sp = signals.alternate.base + signals.alternate.size;

    size_t state_size = arch::fpu_state_size();
    uint64_t fpu = base::align_down(sp - state_size - sizeof(uint32_t), 64);
    // At the handler's entry rsp + 8 is a multiple of 16, as after a call.
    uint64_t at = base::align_down(fpu - sizeof(Frame), 16) - 8;

    sched::Thread& thread = sched::current_thread();
    arch::save_fpu(thread.fpu_state);
    auto* state = static_cast<std::byte*>(thread.fpu_state);
    SoftwareReserved reserved{};
    reserved.magic1 = fp_magic1;
    reserved.extended_size = static_cast<uint32_t>(state_size + sizeof(fp_magic2));
    reserved.features = arch::fpu_components();
    reserved.state_size = static_cast<uint32_t>(state_size);
    std::memcpy(state + 464, &reserved, sizeof(reserved));

    Frame out{};
    out.restorer = action.restorer;
    out.user.flags = 7;
    out.user.stack = signals.alternate;
    if ((signals.alternate.flags & AlternateStack::auto_disarm) != 0)
        signals.alternate = {};
    auto& c = out.user.context;
    c.r8 = frame.r8, c.r9 = frame.r9, c.r10 = frame.r10, c.r11 = frame.r11;
    c.r12 = frame.r12, c.r13 = frame.r13, c.r14 = frame.r14, c.r15 = frame.r15;
    c.rdi = frame.rdi, c.rsi = frame.rsi, c.rbp = frame.rbp, c.rbx = frame.rbx;
    c.rdx = frame.rdx, c.rax = frame.rax, c.rcx = frame.rcx, c.rsp = frame.rsp;
    c.rip = frame.rip, c.eflags = frame.rflags;
    c.cs = 0x33, c.ss = 0x2b;
    c.error = frame.is_system_call() ? 0 : frame.error_code;
    c.trap_number = frame.is_system_call() ? 0 : frame.vector;
    c.cr2 = info.address_or_sender;
    c.fpu_state = fpu;
    out.user.mask = signals.restore_saved_mask ? signals.saved_mask : signals.mask;
    signals.restore_saved_mask = false;
    out.info = info;

    if (!memory::copy_to_user(fpu, std::span(state, state_size)) || !memory::write_user(fpu + state_size, fp_magic2) ||
        !memory::write_user(at, out))
        return false;

    frame.rsp = at;
    frame.set_pc(action.handler);
    frame.rdi = static_cast<uint64_t>(info.number);
    frame.rsi = at + offsetof(Frame, info);
    frame.rdx = at + offsetof(Frame, user);
    frame.rax = 0;
    frame.rflags &= ~uint64_t{0x400 | RFLAGS_TF}; // DF, TF
    frame.vector = 0;                             // no longer in a system call: leave by iretq
    return true;
}

bool pop_signal_frame(arch::TrapFrame& frame, ThreadSignals& signals) {
    // The handler's `ret` popped the restorer's address.
    auto in = memory::read_user<Frame>(frame.rsp - 8);
    if (!in)
        return false;
    const auto& c = in->user.context;
    if (static_cast<int64_t>(c.rsp) < 0 || c.rip >= arch::app_end)
        return false;
    if (c.fpu_state != 0) {
        sched::Thread& thread = sched::current_thread();
        auto* state = static_cast<std::byte*>(thread.fpu_state);
        if (!memory::copy_from_user(std::span(state, arch::fpu_state_size()), c.fpu_state))
            return false;
        // What xrstor would fault on: unknown components, compaction, reserved MXCSR bits and header bytes.
        uint64_t header[8];
        if (arch::fpu_state_size() > 512) {
            std::memcpy(header, state + 512, sizeof(header));
            header[0] &= arch::fpu_components();
            for (unsigned i = 1; i < 8; ++i)
                header[i] = 0;
            std::memcpy(state + 512, header, sizeof(header));
        }
        uint32_t mxcsr;
        std::memcpy(&mxcsr, state + 24, sizeof(mxcsr));
        mxcsr &= 0xffff;
        std::memcpy(state + 24, &mxcsr, sizeof(mxcsr));
        arch::restore_fpu(state);
    }
    frame.r8 = c.r8, frame.r9 = c.r9, frame.r10 = c.r10, frame.r11 = c.r11;
    frame.r12 = c.r12, frame.r13 = c.r13, frame.r14 = c.r14, frame.r15 = c.r15;
    frame.rdi = c.rdi, frame.rsi = c.rsi, frame.rbp = c.rbp, frame.rbx = c.rbx;
    frame.rdx = c.rdx, frame.rax = c.rax, frame.rcx = c.rcx, frame.rsp = c.rsp;
    frame.set_pc(c.rip);
    frame.rflags = (frame.rflags & ~user_flags) | (c.eflags & user_flags) | 0x202;
    frame.vector = 0;
    signals.alternate = in->user.stack;
    signals.mask = in->user.mask & ~unblockable;
    return true;
}

} // namespace signal
