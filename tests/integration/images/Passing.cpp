// Two threads go round over one instruction of each kind until a debugger sets g_stop: that is the status. The labels
// are where the test puts breakpoints. Each thread counts its rounds and checks what the instructions did: what is
// wrong ends in an illegal instruction.

#include <unistd.h>

#include <cstdio>
#include <thread>

extern "C" {
volatile int g_stop = 0;
volatile long g_rounds[2] = {};
void passing_loop(volatile long* rounds, volatile int* stop);
}

asm(R"(
    .data
passing_word: .quad 0x7777
passing_leaf_pointer: .quad passing_leaf

    .text
    .globl passing_loop, at_syscall, at_push, at_pop, at_relative, at_call, at_call_return, at_indirect_call, at_ret
    .globl at_jmp, at_jmp_target, at_indirect_jmp, at_indirect_jmp_target, at_taken, at_taken_target, at_not_taken
    .globl at_rep, at_pushf, at_popf, at_increment, at_vector, passing_leaf
    .type passing_loop, @function
passing_loop: .cfi_startproc
    pushq %rbx; .cfi_adjust_cfa_offset 8; .cfi_rel_offset rbx, 0
    pushq %r12; .cfi_adjust_cfa_offset 8; .cfi_rel_offset r12, 0
    pushq %r13; .cfi_adjust_cfa_offset 8; .cfi_rel_offset r13, 0
    movq %rdi, %rbx
    movq %rsi, %r12
    movq $0x1111, %r13
1:  movl $39, %eax
at_syscall: syscall
    leaq at_syscall + 2(%rip), %rdx
    cmpq %rcx, %rdx; jne 9f
    testl $0x100, %r11d; jne 9f
at_push: pushq %r13
at_pop: popq %rdx
    cmpq %r13, %rdx; jne 9f
at_pushf: pushfq
    testl $0x100, (%rsp); jne 9f
at_popf: popfq
at_relative: movq passing_word(%rip), %rax
    cmpq $0x7777, %rax; jne 9f
    xorl %eax, %eax
at_call: call passing_leaf
at_call_return:
    cmpl $0x2222, %eax; jne 9f
    xorl %eax, %eax
at_indirect_call: call *passing_leaf_pointer(%rip)
    cmpl $0x2222, %eax; jne 9f
at_jmp: jmp at_jmp_target
    ud2
at_jmp_target:
    leaq at_indirect_jmp_target(%rip), %rax
at_indirect_jmp: jmp *%rax
    ud2
at_indirect_jmp_target:
    testq %rax, %rax
at_taken: jne at_taken_target
    ud2
at_taken_target:
at_not_taken: je 9f
    leaq passing_word(%rip), %rsi
    leaq -64(%rsp), %rdi
    movl $8, %ecx
at_rep: rep movsb
    cmpq $0x7777, -64(%rsp); jne 9f
    movq %r13, %xmm3
at_vector: punpcklqdq %xmm3, %xmm3
    movhlps %xmm3, %xmm3
    movq %xmm3, %rdx
    cmpq %r13, %rdx; jne 9f
at_increment: incq (%rbx)
    cmpl $0, (%r12)
    je 1b
    popq %r13; .cfi_adjust_cfa_offset -8; .cfi_restore r13
    popq %r12; .cfi_adjust_cfa_offset -8; .cfi_restore r12
    popq %rbx; .cfi_adjust_cfa_offset -8; .cfi_restore rbx
    ret
9:  ud2
    .cfi_endproc
    .size passing_loop, . - passing_loop
    .type passing_leaf, @function
passing_leaf: .cfi_startproc
    movl $0x2222, %eax
at_ret: ret
    .cfi_endproc
    .size passing_leaf, . - passing_leaf
)");

int main() {
    std::thread one(passing_loop, &g_rounds[0], &g_stop);
    std::thread other(passing_loop, &g_rounds[1], &g_stop);
    while (g_rounds[0] == 0 || g_rounds[1] == 0)
        usleep(1000);
    // Afterwards no thread makes system calls but those of its rounds.
    std::puts("passing");
    std::fflush(stdout);
    one.join();
    other.join();
    return g_stop;
}
