#pragma once
/* Part of gdbstub.h. */
#include <stdint.h>

#ifdef __cplusplus
#define GDBSTUB_ALIGNED alignas(16)
#else
#define GDBSTUB_ALIGNED _Alignas(16)
#endif

/* The registers of a thread, as gdbstub/arch/x86_64/RegisterFile.h explains them. */
struct gdbstub_registers {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rip;
    uint32_t eflags, cs, ss, ds, es, fs, gs;
    uint64_t fs_base, gs_base;
    uint64_t orig_rax;                        /* -1: not in a system call */
    GDBSTUB_ALIGNED uint8_t fxsave[512];      /* the image of FXSAVE64 */
    GDBSTUB_ALIGNED uint8_t ymm_high[16][16]; /* not shown: this interface offers no AVX */
    uint64_t unavailable[2];                  /* a bit for each of gdb's register numbers that is not known */
};
