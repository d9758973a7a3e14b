#include "arch/Crash.h"
#include "arch/Registers.h"

namespace arch {

void leave_on_stack(uint64_t stack_top, void (*function)(void*), void* argument) {
    asm volatile("movq %0, %%rsp\n"
                 "xorl %%ebp, %%ebp\n"
                 "pushq $0\n"
                 "jmp *%1\n" ::"r"(stack_top),
                 "r"(function), "D"(argument)
                 : "memory");
    __builtin_unreachable();
}

void shut_down_cpu() {
    // An exception with no interrupt table is a double, then a triple fault.
    struct [[gnu::packed]] {
        uint16_t limit = 0;
        uint64_t base = 0;
    } none;
    asm volatile("lidt %0; int3" ::"m"(none));
    __builtin_unreachable();
}

void halt_forever() {
    for (;;)
        asm volatile("cli; hlt");
}

wire::CoreRegisters core_registers(const TrapFrame& f, uint64_t fs_base) {
    wire::CoreRegisters r{};
    r.r15 = f.r15, r.r14 = f.r14, r.r13 = f.r13, r.r12 = f.r12, r.rbp = f.rbp, r.rbx = f.rbx;
    r.r11 = f.r11, r.r10 = f.r10, r.r9 = f.r9, r.r8 = f.r8, r.rax = f.rax, r.rcx = f.rcx;
    r.rdx = f.rdx, r.rsi = f.rsi, r.rdi = f.rdi;
    r.orig_rax = f.is_system_call() ? f.system_call_number() : UINT64_MAX;
    r.rip = f.rip, r.cs = f.cs, r.eflags = f.rflags, r.rsp = f.rsp, r.ss = f.ss;
    r.fs_base = fs_base;
    return r;
}

wire::CoreRegisters core_registers_of_switch(uint64_t stack_pointer, uint64_t fs_base) {
    const auto* slot = reinterpret_cast<const uint64_t*>(stack_pointer);
    wire::CoreRegisters r{};
    r.r15 = slot[0], r.r14 = slot[1], r.r13 = slot[2], r.r12 = slot[3], r.rbx = slot[4], r.rbp = slot[5];
    r.rip = slot[6];
    r.rsp = stack_pointer + 7 * sizeof(uint64_t);
    r.orig_rax = UINT64_MAX;
    r.cs = SELECTOR_CODE, r.ss = SELECTOR_DATA, r.eflags = 2;
    r.fs_base = fs_base;
    return r;
}

namespace {

// Indices into CoreRegisters.
enum Index {
    R15,
    R14,
    R13,
    R12,
    Rbp,
    Rbx,
    R11,
    R10,
    R9,
    R8,
    Rax,
    Rcx,
    Rdx,
    Rsi,
    Rdi,
    OrigRax,
    Rip,
    Cs,
    Eflags,
    Rsp,
    Ss,
};

consteval wire::CrashFrameLayout empty_layout(uint16_t size) {
    wire::CrashFrameLayout layout{};
    layout.size = size;
    for (auto& offset : layout.offset)
        offset = wire::CrashFrameLayout::not_saved;
    return layout;
}

consteval wire::CrashFrameLayout make_switch_frame_layout() {
    auto layout = empty_layout(56);
    layout.offset[R15] = 0, layout.offset[R14] = 8, layout.offset[R13] = 16, layout.offset[R12] = 24;
    layout.offset[Rbx] = 32, layout.offset[Rbp] = 40, layout.offset[Rip] = 48;
    return layout;
}

consteval wire::CrashFrameLayout make_trap_frame_layout() {
    auto layout = empty_layout(FRAME_SIZE);
    for (uint16_t i = R15; i <= Rdi; ++i)
        layout.offset[i] = static_cast<uint16_t>(i * 8); // TrapFrame keeps this order
    layout.offset[Rip] = FRAME_RIP, layout.offset[Cs] = FRAME_CS, layout.offset[Eflags] = FRAME_RFLAGS;
    layout.offset[Rsp] = FRAME_RSP, layout.offset[Ss] = FRAME_SS;
    return layout;
}

} // namespace

constexpr wire::CrashFrameLayout switch_frame_layout = make_switch_frame_layout();
constexpr wire::CrashFrameLayout trap_frame_layout = make_trap_frame_layout();

static_assert(FRAME_R15 == 0 && FRAME_RBP == 8 * Rbp && FRAME_RBX == 8 * Rbx && FRAME_R11 == 8 * R11 &&
              FRAME_R8 == 8 * R8 && FRAME_RAX == 8 * Rax && FRAME_RCX == 8 * Rcx && FRAME_RDX == 8 * Rdx &&
              FRAME_RSI == 8 * Rsi && FRAME_RDI == 8 * Rdi);

[[gnu::noinline]] void capture_frame(TrapFrame& frame) {
    frame = {};
    frame.rip = reinterpret_cast<uint64_t>(__builtin_return_address(0));
    frame.rbp = *static_cast<uint64_t*>(__builtin_frame_address(0));
    frame.rsp = reinterpret_cast<uint64_t>(__builtin_frame_address(0)) + 16;
    asm volatile("movq %%rbx, %0; movq %%r12, %1; movq %%r13, %2; movq %%r14, %3; movq %%r15, %4"
                 : "=m"(frame.rbx), "=m"(frame.r12), "=m"(frame.r13), "=m"(frame.r14), "=m"(frame.r15));
    frame.cs = SELECTOR_CODE;
    frame.ss = SELECTOR_DATA;
    frame.rflags = 2;
}

} // namespace arch
