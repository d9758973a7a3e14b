// Every way into the kernel and back. Rules (docs/architecture.md, "Trap path"):
//  - The app's red zone lies below its rsp, so no CPU-pushed frame may land there: every vector has an IST stack.
//  - The common IST1 stack holds a frame only until it is copied to the thread's kernel stack (or below the interrupted
//    rsp, if that is a kernel stack already), so faults may nest and threads may switch inside handlers.
//  - Interrupts stay off from entry to return. GS always holds the CPU's CpuLocal.
//  - CFI is complete at each instruction: the CFA is the interrupted rsp, registers are found in the frame.
#include "arch/AsmOffsets.h"

    .cfi_sections .debug_frame

    // The frame lies at \base + \offset: interrupted state is all in it. .cfi_offset of rsp overrides "rsp = CFA".
    .macro CFI_FRAME register, offset
    .cfi_def_cfa \register, \offset + FRAME_SIZE
    .cfi_offset rip, FRAME_RIP - FRAME_SIZE
    .cfi_offset 49, FRAME_RFLAGS - FRAME_SIZE
    .cfi_offset rsp, FRAME_RSP - FRAME_SIZE
    .endm
    .macro CFI_GENERAL_REGISTERS
    .cfi_offset rdi, FRAME_RDI - FRAME_SIZE
    .cfi_offset rsi, FRAME_RSI - FRAME_SIZE
    .cfi_offset rdx, FRAME_RDX - FRAME_SIZE
    .cfi_offset rcx, FRAME_RCX - FRAME_SIZE
    .cfi_offset rax, FRAME_RAX - FRAME_SIZE
    .cfi_offset r8, FRAME_R8 - FRAME_SIZE
    .cfi_offset r9, FRAME_R9 - FRAME_SIZE
    .cfi_offset r10, FRAME_R10 - FRAME_SIZE
    .cfi_offset r11, FRAME_R11 - FRAME_SIZE
    .cfi_offset rbx, FRAME_RBX - FRAME_SIZE
    .cfi_offset rbp, FRAME_RBP - FRAME_SIZE
    .cfi_offset r12, FRAME_R12 - FRAME_SIZE
    .cfi_offset r13, FRAME_R13 - FRAME_SIZE
    .cfi_offset r14, FRAME_R14 - FRAME_SIZE
    .cfi_offset r15, FRAME_R15 - FRAME_SIZE
    .endm

    .macro PUSH register
    pushq %\register
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset \register, 0
    .endm
    .macro POP register
    popq %\register
    .cfi_adjust_cfa_offset -8
    .cfi_same_value \register
    .endm

    .macro PUSH_GENERAL_REGISTERS
    PUSH rdi
    PUSH rsi
    PUSH rdx
    PUSH rcx
    PUSH rax
    PUSH r8
    PUSH r9
    PUSH r10
    PUSH r11
    PUSH rbx
    PUSH rbp
    PUSH r12
    PUSH r13
    PUSH r14
    PUSH r15
    .endm
    .macro POP_GENERAL_REGISTERS
    POP r15
    POP r14
    POP r13
    POP r12
    POP rbp
    POP rbx
    POP r11
    POP r10
    POP r9
    POP r8
    POP rax
    POP rcx
    POP rdx
    POP rsi
    POP rdi
    .endm

    // At the end of a system call's way out interrupts are on already, and the thread is in the app but for rsp and rip:
    // the frame that it left is used up, and what interrupts it there would build its own over it. So the interrupt's
    // registers, saved at rsp, are made those behind the last jump. Uses rax and rcx.
    .macro FINISH_SYSTEM_CALL
    movq FRAME_RIP(%rsp), %rax
    cmpq $syscall_exit_jump, %rax
    je 5f
    cmpq $syscall_exit_tail, %rax
    jne 6f
    movq FRAME_RSP(%rsp), %rcx
    movq (%rcx), %rcx
    movq %rcx, FRAME_RSP(%rsp)
5:  movq FRAME_RCX(%rsp), %rcx
    movq %rcx, FRAME_RIP(%rsp)
6:
    .endm

    .section .text
    .globl trap_entry_text_start
trap_entry_text_start:

    // --- The end of a doze --------------------------------------------------------------------------------------------
    // All that interrupts a doze ends it, and is no more than that: nothing of the kernel runs.
    .globl doze_entry
    .type doze_entry, @function
doze_entry:
    .cfi_startproc simple
    .cfi_signal_frame
    .cfi_def_cfa rsp, 40
    .cfi_offset rip, -40
    .cfi_offset 49, -24
    .cfi_offset rsp, -16
    PUSH rax
    movq end_of_interrupt_register(%rip), %rax
    movl $0, (%rax)
    POP rax
    iretq
    .cfi_endproc
    .size doze_entry, . - doze_entry

    // --- 256 vector stubs, 16 bytes apart -------------------------------------------------------------------------
    .align 16
    .globl trap_vectors
trap_vectors:
    .set vector, 0
    .rept 256
    .align 16
    .cfi_startproc simple
    .cfi_signal_frame
    // Vectors 8, 10-14, 17, 21, 29, 30 push an error code.
    .if (vector == 8) || (vector >= 10 && vector <= 14) || (vector == 17) || (vector == 21) || (vector == 29) || (vector == 30)
    .cfi_def_cfa rsp, 48
    .cfi_offset rip, -40
    .cfi_offset 49, -24
    .cfi_offset rsp, -16
    .else
    .cfi_def_cfa rsp, 40
    .cfi_offset rip, -40
    .cfi_offset 49, -24
    .cfi_offset rsp, -16
    pushq $0
    .cfi_adjust_cfa_offset 8
    .endif
    pushq $vector
    .cfi_adjust_cfa_offset 8
    .if vector == 2
    jmp nmi_entry
    .else
    jmp trap_common
    .endif
    .cfi_endproc
    .set vector, vector + 1
    .endr

    .align 16
    .type trap_common, @function
trap_common:
    .cfi_startproc simple
    .cfi_signal_frame
    .cfi_def_cfa rsp, FRAME_SIZE - FRAME_VECTOR
    .cfi_offset rip, FRAME_RIP - FRAME_SIZE
    .cfi_offset 49, FRAME_RFLAGS - FRAME_SIZE
    .cfi_offset rsp, FRAME_RSP - FRAME_SIZE
    PUSH_GENERAL_REGISTERS
    cld
    FINISH_SYSTEM_CALL
    // QEMU nulls ss on the way to an interrupt stack, and would translate all that runs here a second time for it.
    movl $SELECTOR_DATA, %eax
    movl %eax, %ss
    // Where the frame goes: below an interrupted kernel stack, or to the top of the thread's.
    movq FRAME_RSP(%rsp), %rdi
    testq %rdi, %rdi
    js 1f
    movq %gs:CPU_KERNEL_STACK_TOP, %rdi
    jmp 2f
1:  // In the kernel: the stack must have room, else this is its overflow, or rsp is wild; both end on another stack. The
    // NMI stack is one too: a stop is served there, and runs into breakpoints.
    movq %gs:CPU_NMI_STACK_TOP, %rax
    subq %rdi, %rax
    cmpq $NMI_STACK_SIZE - 1024, %rax
    jbe 4f
    leaq -1024(%rdi), %rax
    cmpq %gs:CPU_KERNEL_STACK_BOTTOM, %rax
    jb 3f
    cmpq %gs:CPU_KERNEL_STACK_TOP, %rdi
    ja 3f
4:  andq $-16, %rdi
2:  subq $FRAME_SIZE, %rdi
    movq %rsp, %rsi
    movl $FRAME_WORDS, %ecx
    movq %rdi, %rax
    rep movsq
    movq %rax, %rsp
    movq %rsp, %rbp
    CFI_FRAME rbp, 0
    CFI_GENERAL_REGISTERS
    movq %rsp, %rdi
    call trap_dispatch
    .globl trap_return
trap_return:
    CFI_FRAME rsp, 0
    POP_GENERAL_REGISTERS
    addq $16, %rsp
    .cfi_adjust_cfa_offset -16
    iretq
    .globl trap_return_end
trap_return_end:
3:  CFI_FRAME rsp, 0
    CFI_GENERAL_REGISTERS
    movq %gs:CPU_EMERGENCY_STACK_TOP, %rdi
    subq $FRAME_SIZE, %rdi
    movq %rsp, %rsi
    movl $FRAME_WORDS, %ecx
    movq %rdi, %rax
    rep movsq
    movq %rax, %rsp
    movq %rsp, %rbp
    CFI_FRAME rbp, 0
    movq %rsp, %rdi
    call kernel_stack_overflow
    ud2
    .cfi_endproc
    .size trap_common, . - trap_common

    // --- NMI --------------------------------------------------------------------------------------------------------
    // May arrive anywhere, entry code on IST1 included, so it works on a stack of its own. While its handler runs, a
    // nested exception's iretq would let another NMI in: that one sees whose stack it interrupted and returns at once,
    // having ended the handler's hlt.
    .align 16
    .type nmi_entry, @function
nmi_entry:
    .cfi_startproc simple
    .cfi_signal_frame
    .cfi_def_cfa rsp, FRAME_SIZE - FRAME_VECTOR
    .cfi_offset rip, FRAME_RIP - FRAME_SIZE
    .cfi_offset 49, FRAME_RFLAGS - FRAME_SIZE
    .cfi_offset rsp, FRAME_RSP - FRAME_SIZE
    // Nested: the interrupted rsp is on the NMI stack itself.
    PUSH rax
    movq FRAME_RSP - FRAME_VECTOR + 8(%rsp), %rax
    negq %rax
    addq %gs:CPU_NMI_STACK_TOP, %rax
    decq %rax
    cmpq $NMI_STACK_SIZE - 1, %rax
    POP rax
    jb 1f
    PUSH_GENERAL_REGISTERS
    cld
    FINISH_SYSTEM_CALL
    movq %gs:CPU_NMI_STACK_TOP, %rdi
    subq $FRAME_SIZE, %rdi
    movq %rsp, %rsi
    movl $FRAME_WORDS, %ecx
    movq %rdi, %rax
    rep movsq
    movq %rax, %rsp
    movq %rsp, %rbp
    CFI_FRAME rbp, 0
    movq %rsp, %rdi
    call nmi_dispatch
    CFI_FRAME rsp, 0
    POP_GENERAL_REGISTERS
1:  .cfi_def_cfa rsp, FRAME_SIZE - FRAME_VECTOR
    addq $16, %rsp
    .cfi_adjust_cfa_offset -16
    iretq
    .cfi_endproc
    .size nmi_entry, . - nmi_entry

    // --- System calls -------------------------------------------------------------------------------------------------
    // `syscall` at ring 0: rcx = return address, r11 = rflags, interrupts and TF masked; rsp is still the app's.
    // r11 goes to the scratch slot and carries rsp over the stack switch, since CFI cannot name a GS-relative address.
    .align 16
    .globl syscall_entry
    .type syscall_entry, @function
syscall_entry:
    .cfi_startproc simple
    .cfi_signal_frame
    .cfi_def_cfa rsp, 0
    .cfi_register rip, rcx
    .cfi_register 49, r11
    .cfi_val_offset rsp, 0
    movq %r11, %gs:CPU_SCRATCH
    .cfi_undefined 49
    movq %rsp, %r11
    .cfi_def_cfa r11, 0
    movq %gs:CPU_KERNEL_STACK_TOP, %rsp
    pushq $SELECTOR_DATA
    pushq %r11
    pushq %gs:CPU_SCRATCH
    pushq $SELECTOR_CODE
    pushq %rcx
    pushq %rax
    pushq $VECTOR_SYSCALL
    .cfi_def_cfa rsp, FRAME_SIZE - FRAME_VECTOR
    .cfi_offset rip, FRAME_RIP - FRAME_SIZE
    .cfi_offset 49, FRAME_RFLAGS - FRAME_SIZE
    .cfi_offset rsp, FRAME_RSP - FRAME_SIZE
    movq %gs:CPU_SCRATCH, %r11
    PUSH_GENERAL_REGISTERS
    cld
    movq %rsp, %rdi
    call syscall_dispatch
    .globl syscall_return
syscall_return:
    // The short way back restores what `sysret` would: rcx = rip and r11 = rflags. Everything else, and single-stepping,
    // whose trap would otherwise come inside the kernel, goes by iretq.
    movq FRAME_RFLAGS(%rsp), %rax
    cmpq FRAME_R11(%rsp), %rax
    jne trap_return_from_syscall
    testl $RFLAGS_TF, %eax
    jne trap_return_from_syscall
    movq FRAME_RIP(%rsp), %rax
    cmpq FRAME_RCX(%rsp), %rax
    jne trap_return_from_syscall
    POP_GENERAL_REGISTERS
    addq $32, %rsp                          // vector, error, rip, cs: rip is in rcx
    .cfi_adjust_cfa_offset -32
    .cfi_register rip, rcx
    popfq
    .cfi_adjust_cfa_offset -8
    .cfi_same_value 49
    .globl syscall_exit_tail
syscall_exit_tail:
    movq (%rsp), %rsp
    .cfi_def_cfa rsp, 0
    .cfi_val_offset rsp, 0
    .globl syscall_exit_jump
syscall_exit_jump:
    jmp *%rcx
    .cfi_endproc
    .size syscall_entry, . - syscall_entry

    .type trap_return_from_syscall, @function
trap_return_from_syscall:
    .cfi_startproc simple
    .cfi_signal_frame
    CFI_FRAME rsp, 0
    CFI_GENERAL_REGISTERS
    jmp trap_return
    .cfi_endproc
    .globl trap_entry_text_end
trap_entry_text_end:

    // --- Context switch -----------------------------------------------------------------------------------------------
    // void switch_stacks(uint64_t* save_rsp, uint64_t load_rsp): callee-saved registers on the old stack, then the new.
    .align 16
    .globl switch_stacks
    .type switch_stacks, @function
switch_stacks:
    .cfi_startproc
    PUSH rbp
    PUSH rbx
    PUSH r12
    PUSH r13
    PUSH r14
    PUSH r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    POP r15
    POP r14
    POP r13
    POP r12
    POP rbx
    POP rbp
    ret
    .cfi_endproc
    .size switch_stacks, . - switch_stacks

    // First instructions of a new thread: switch_stacks "returns" here with a TrapFrame above and its C++ prologue in rbx
    // (called with r12, r13), then leaves through the frame.
    .globl thread_start
    .type thread_start, @function
thread_start:
    .cfi_startproc simple
    .cfi_signal_frame
    CFI_FRAME rsp, 0
    CFI_GENERAL_REGISTERS
    movq %r12, %rdi
    movq %r13, %rsi
    call *%rbx
    jmp trap_return
    .cfi_endproc
    .size thread_start, . - thread_start

    // bool copy_guarded(void* to, const void* from, size_t n): false if a page fault could not be resolved. The page fault
    // handler sends an unresolvable fault at one of the two moves to copy_guarded_fault.
    .globl copy_guarded, copy_guarded_words, copy_guarded_bytes, copy_guarded_fault
    .type copy_guarded, @function
copy_guarded:
    .cfi_startproc
    movq %rdx, %rcx
    shrq $3, %rcx
copy_guarded_words:
    rep movsq
    movl %edx, %ecx
    andl $7, %ecx
copy_guarded_bytes:
    rep movsb
    movl $1, %eax
    ret
copy_guarded_fault:
    xorl %eax, %eax
    ret
    .cfi_endproc
    .size copy_guarded, . - copy_guarded

    // What the compiler calls. Words first: QEMU without KVM runs one turn of `rep` at a time.
    .globl memcpy, memmove, memset
    .type memcpy, @function
memcpy:
    .cfi_startproc
    movq %rdi, %rax
1:  movq %rdx, %rcx
    shrq $3, %rcx
    rep movsq
    movl %edx, %ecx
    andl $7, %ecx
    rep movsb
    ret
    .cfi_endproc
    .size memcpy, . - memcpy

    .type memmove, @function
memmove:
    .cfi_startproc
    movq %rdi, %rax
    movq %rdi, %rcx
    subq %rsi, %rcx
    cmpq %rdx, %rcx                         // to is not inside [from, from + n): forward is safe
    jae 1b
    std
    leaq -1(%rdi,%rdx), %rdi
    leaq -1(%rsi,%rdx), %rsi
    movq %rdx, %rcx
    rep movsb
    cld
    ret
    .cfi_endproc
    .size memmove, . - memmove

    .type memset, @function
memset:
    .cfi_startproc
    movq %rdi, %r8
    movzbl %sil, %eax
    movabsq $0x0101010101010101, %rcx
    imulq %rcx, %rax
    movq %rdx, %rcx
    shrq $3, %rcx
    rep stosq
    movl %edx, %ecx
    andl $7, %ecx
    rep stosb
    movq %r8, %rax
    ret
    .cfi_endproc
    .size memset, . - memset

    .section .note.GNU-stack, "", @progbits
