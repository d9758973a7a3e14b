// uniscope_probe_slow_path: where a probe jumps that found no room in the open sub-buffer (ProbeSite.h).
//
//   in   rax  where to go on; r10 the head that the probe saw; r11 the head that it wanted
//   out  r10  the event's place; rdx its timestamp
//   changes rax, r11 and the flags besides; uses the stack below the 128 bytes that the probe's function may be using
//
// The unwinder takes the jump for a call: the return address is in rax at the first and the last instruction, on the
// stack in between.

#ifdef UNISCOPE_GUEST
        .cfi_sections .debug_frame // the app's own unwinder at run time must not find the kernel
#endif
        .section .text.uniscope_probe_slow_path, "ax", @progbits
        .globl  uniscope_probe_slow_path
        .hidden uniscope_probe_slow_path
        .type   uniscope_probe_slow_path, @function
uniscope_probe_slow_path:
        .cfi_startproc simple
        .cfi_def_cfa %rsp, 0
        .cfi_register %rip, %rax
        leaq    -128(%rsp), %rsp
        .cfi_adjust_cfa_offset 128
        pushq   %rax
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %rip, 0
        pushq   %rbp
        .cfi_adjust_cfa_offset 8
        .cfi_rel_offset %rbp, 0
        movq    %rsp, %rbp
        .cfi_def_cfa_register %rbp
        pushq   %rcx
        pushq   %rsi
        pushq   %rdi
        pushq   %r8
        pushq   %r9
#ifndef UNISCOPE_GUEST
        subq    $512, %rsp // hosted, the C++ behind it uses the vector registers
#endif
        andq    $-16, %rsp
#ifndef UNISCOPE_GUEST
        fxsave64 (%rsp)
#endif
        movq    %gs:0x120, %rdi
        movq    %r10, %rsi
        movq    %r11, %rdx
        call    uniscope_probe_reserve
        movq    %rax, %r10
#ifndef UNISCOPE_GUEST
        fxrstor64 (%rsp)
#endif
        leaq    -40(%rbp), %rsp
        popq    %r9
        popq    %r8
        popq    %rdi
        popq    %rsi
        popq    %rcx
        .cfi_def_cfa_register %rsp
        popq    %rbp
        .cfi_adjust_cfa_offset -8
        .cfi_restore %rbp
        popq    %rax
        .cfi_adjust_cfa_offset -8
        .cfi_register %rip, %rax
        leaq    128(%rsp), %rsp
        .cfi_adjust_cfa_offset -128
        jmpq    *%rax
        .cfi_endproc
        .size   uniscope_probe_slow_path, . - uniscope_probe_slow_path
        .section .note.GNU-stack, "", @progbits
