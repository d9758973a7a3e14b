#pragma once
// TrapFrame: the registers of a thread at the moment it entered the kernel, by a system call, an exception or an
// interrupt. Assembly in TrapEntry.S builds it; what C++ writes into it is what the thread continues with.

#include "arch/AsmOffsets.h"

#include <cstddef>
#include <cstdint>

namespace arch {

struct TrapFrame {
    uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    uint64_t vector;     ///< 0-255, or syscall_vector
    uint64_t error_code; ///< of the exception; for a system call its number, as the app gave it in rax
    uint64_t rip, cs, rflags, rsp, ss;

    static constexpr uint64_t syscall_vector = VECTOR_SYSCALL;

    uint64_t pc() const { return rip; }
    void set_pc(uint64_t address) {
        rip = address;
        stop_at_execute_watch(); // what was to be passed is not there
    }
    uint64_t sp() const { return rsp; }
    void set_sp(uint64_t address) { rsp = address; }
    uint64_t frame_pointer() const { return rbp; }
    bool interrupts_were_enabled() const { return (rflags & 0x200) != 0; }
    bool is_system_call() const { return vector == syscall_vector; }
    uint64_t system_call_number() const { return error_code; }
    /// Of a system call, in the order of its manual page; index 0 to 5.
    uint64_t argument(unsigned index) const {
        switch (index) {
        case 0:
            return rdi;
        case 1:
            return rsi;
        case 2:
            return rdx;
        case 3:
            return r10;
        case 4:
            return r8;
        default:
            return r9;
        }
    }
    /// The calling thread is to issue its system call again.
    void restart_system_call() {
        rax = system_call_number();
        rip -= 2; // 0f 05
    }
    uint64_t result() const { return rax; }
    void set_result(uint64_t value) { rax = value; }
    /// True if the app, not the kernel, was interrupted: the kernel only ever runs on stacks in the upper half.
    bool from_app() const { return static_cast<int64_t>(rsp) >= 0; }

    void enable_single_step() { rflags |= RFLAGS_TF; }
    /// The instruction at pc runs although an execute watch stands on it: once.
    void resume_over_execute_watch() { rflags |= RFLAGS_RF; }
    /// It does not: unless told otherwise.
    void stop_at_execute_watch() { rflags &= ~uint64_t{RFLAGS_RF}; }
    void disable_single_step() { rflags &= ~uint64_t{RFLAGS_TF}; }
    /// Of a system call that was stepped: r11 holds the flags that it was called with.
    void hide_single_step_of_call() { r11 &= ~uint64_t{RFLAGS_TF}; }
    bool is_single_stepping() const { return (rflags & RFLAGS_TF) != 0; }
};

static_assert(sizeof(TrapFrame) == FRAME_SIZE);
static_assert(offsetof(TrapFrame, r11) == FRAME_R11);
static_assert(offsetof(TrapFrame, rax) == FRAME_RAX);
static_assert(offsetof(TrapFrame, rdi) == FRAME_RDI);
static_assert(offsetof(TrapFrame, vector) == FRAME_VECTOR);
static_assert(offsetof(TrapFrame, rip) == FRAME_RIP);
static_assert(offsetof(TrapFrame, ss) == FRAME_SS);

} // namespace arch
