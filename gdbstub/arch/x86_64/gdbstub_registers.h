#pragma once
/* Part of gdbstub.h, and what RegisterFile.h is made of. */
#include <stdint.h>

#ifdef __cplusplus
#define GDBSTUB_ALIGNED alignas(16)
#else
#define GDBSTUB_ALIGNED _Alignas(16)
#endif

/* The registers of one thread as gdb sees them on x86-64 Linux. */
struct gdbstub_registers {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rip;
    uint32_t eflags, cs, ss, ds, es, fs, gs;
    uint64_t fs_base, gs_base;
    /* Number of the system call that the thread is in, or -1: gdb tells from it whether to restart a call. */
    uint64_t orig_rax;
    /* x87, MXCSR and XMM in the layout of FXSAVE64 (Intel SDM vol. 1, 10.5.1), which is also how XSAVE begins. */
    GDBSTUB_ALIGNED uint8_t fxsave[512];
    /* Upper halves of YMM0-15: the AVX component of XSAVE (Intel SDM vol. 1, 13.4.2). */
    GDBSTUB_ALIGNED uint8_t ymm_high[16][16];
    /* One bit for each gdb register number whose value is not known; gdb shows `<unavailable>`. A kernel frame of a
       thread that is switched out knows only callee-saved registers, say. All zero: everything is known. */
    uint64_t unavailable[2];
};
