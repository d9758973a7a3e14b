#pragma once
// One CPU of an x86-64 machine as QEMU writes it into `dump-guest-memory`.

#include "probes/wire/Core.h"

#include <cstdint>

namespace tracer {

/// QEMU's target/i386/arch_dump.c, struct QEMUCPUState, version 1; the note's name is "QEMU".
struct QemuCpuState {
    struct Segment {
        uint32_t selector, limit, flags, padding;
        uint64_t base;
    };
    uint32_t version, size;
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp, r8, r9, r10, r11, r12, r13, r14, r15, rip, rflags;
    Segment cs, ds, es, fs, gs, ss, ldt, tr, gdt, idt;
    uint64_t cr[5];
    uint64_t kernel_gs_base; ///< the GS base that is not in use

    /// No interrupt table that could hold the vectors of exceptions (0 to 31, 16 bytes each): the next one is a triple
    /// fault.
    bool cannot_take_exceptions() const { return idt.limit < 32 * 16 - 1; }
    uint64_t page_table() const { return cr[3] & 0x000f'ffff'ffff'f000; }
    wire::CoreRegisters registers() const {
        wire::CoreRegisters r{};
        r.rax = rax, r.rbx = rbx, r.rcx = rcx, r.rdx = rdx, r.rsi = rsi, r.rdi = rdi, r.rsp = rsp, r.rbp = rbp;
        r.r8 = r8, r.r9 = r9, r.r10 = r10, r.r11 = r11, r.r12 = r12, r.r13 = r13, r.r14 = r14, r.r15 = r15;
        r.rip = rip, r.eflags = rflags;
        r.orig_rax = ~uint64_t{0};
        r.cs = cs.selector, r.ds = ds.selector, r.es = es.selector, r.ss = ss.selector;
        r.fs = fs.selector, r.gs = gs.selector, r.fs_base = fs.base, r.gs_base = gs.base;
        return r;
    }
};
static_assert(sizeof(QemuCpuState) == 8 + 18 * 8 + 10 * 24 + 6 * 8);

} // namespace tracer
