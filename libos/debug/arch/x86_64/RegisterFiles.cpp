// Sources: gdb's numbering as in gdbstub/arch/x86_64/Registers.h; XSAVE areas: Intel SDM vol. 1, section 13.4.
#include "libos/debug/arch/RegisterFiles.h"

#include <arch/Fpu.h>
#include <cstring>

namespace debug::arch_registers {

namespace {

constexpr uint32_t linux_code_selector = 0x33;
constexpr uint32_t linux_stack_selector = 0x2b;
constexpr size_t fxsave_size = 512;
constexpr size_t xstate_bv_offset = 512;
constexpr size_t ymm_offset = 576;
constexpr uint64_t component_sse = 3, component_avx = 4;

} // namespace

bool has_avx() {
    return (arch::fpu_components() & component_avx) != 0;
}

void from_frame(const arch::TrapFrame& f, uint64_t fs_base, const void* vector_state, bool app_view,
                gdbstub::RegisterFile& out) {
    out.rax = f.rax, out.rbx = f.rbx, out.rcx = f.rcx, out.rdx = f.rdx;
    out.rsi = f.rsi, out.rdi = f.rdi, out.rbp = f.rbp, out.rsp = f.rsp;
    out.r8 = f.r8, out.r9 = f.r9, out.r10 = f.r10, out.r11 = f.r11;
    out.r12 = f.r12, out.r13 = f.r13, out.r14 = f.r14, out.r15 = f.r15;
    out.rip = f.rip;
    out.eflags = static_cast<uint32_t>(f.rflags) & ~uint32_t{RFLAGS_TF};
    out.cs = app_view ? linux_code_selector : static_cast<uint32_t>(f.cs);
    out.ss = app_view ? linux_stack_selector : static_cast<uint32_t>(f.ss);
    out.fs_base = fs_base;
    out.orig_rax = f.is_system_call() ? f.system_call_number() : UINT64_MAX;
    if (vector_state == nullptr) {
        constexpr unsigned first_vector = 24, last_vector = 56; // st0 to mxcsr
        for (unsigned i = first_vector; i <= last_vector; ++i)
            out.set_unavailable(i);
        return;
    }
    const auto* bytes = static_cast<const std::byte*>(vector_state);
    std::memcpy(out.fxsave, bytes, fxsave_size);
    if (!has_avx())
        return;
    uint64_t present;
    std::memcpy(&present, bytes + xstate_bv_offset, sizeof(present));
    if ((present & component_avx) != 0)
        std::memcpy(out.ymm_high, bytes + ymm_offset, sizeof(out.ymm_high));
}

void to_frame(const gdbstub::RegisterFile& in, arch::TrapFrame& f, uint64_t& fs_base, void* vector_state) {
    f.rax = in.rax, f.rbx = in.rbx, f.rcx = in.rcx, f.rdx = in.rdx;
    f.rsi = in.rsi, f.rdi = in.rdi, f.rbp = in.rbp, f.rsp = in.rsp;
    f.r8 = in.r8, f.r9 = in.r9, f.r10 = in.r10, f.r11 = in.r11;
    f.r12 = in.r12, f.r13 = in.r13, f.r14 = in.r14, f.r15 = in.r15;
    f.set_pc(in.rip);
    // CF PF AF ZF SF DF OF AC ID: the rest is the kernel's.
    constexpr uint64_t changeable = 0x240cd5;
    f.rflags = (f.rflags & ~changeable) | (in.eflags & changeable);
    fs_base = in.fs_base;
    if (vector_state == nullptr)
        return;
    auto* bytes = static_cast<std::byte*>(vector_state);
    std::memcpy(bytes, in.fxsave, fxsave_size);
    uint32_t mxcsr;
    std::memcpy(&mxcsr, bytes + 24, sizeof(mxcsr));
    mxcsr &= 0xffff; // reserved bits would fault when loaded
    std::memcpy(bytes + 24, &mxcsr, sizeof(mxcsr));
    if (arch::fpu_state_size() <= fxsave_size)
        return;
    uint64_t present;
    std::memcpy(&present, bytes + xstate_bv_offset, sizeof(present));
    present |= component_sse;
    if (has_avx()) {
        std::memcpy(bytes + ymm_offset, in.ymm_high, sizeof(in.ymm_high));
        present |= component_avx;
    }
    std::memcpy(bytes + xstate_bv_offset, &present, sizeof(present));
}

void from_saved_stack(uint64_t stack_pointer, gdbstub::RegisterFile& out) {
    const auto* slot = reinterpret_cast<const uint64_t*>(stack_pointer);
    out.r15 = slot[0], out.r14 = slot[1], out.r13 = slot[2], out.r12 = slot[3];
    out.rbx = slot[4], out.rbp = slot[5], out.rip = slot[6];
    out.rsp = stack_pointer + 7 * sizeof(uint64_t);
    out.orig_rax = UINT64_MAX;
    constexpr unsigned caller_saved[] = {0, 2, 3, 4, 5, 8, 9, 10, 11}; // rax rcx rdx rsi rdi r8-r11
    for (unsigned number : caller_saved)
        out.set_unavailable(number);
    constexpr unsigned first_vector = 24, last_vector = 56;
    for (unsigned i = first_vector; i <= last_vector; ++i)
        out.set_unavailable(i);
}

} // namespace debug::arch_registers
