// One instruction of each kind, with a breakpoint instruction wherever it may lead. See StepSamples.h for what
// registers and memory hold.
#include "StepSamples.h"

#include <algorithm>

extern "C" {
extern const StepSample __start_step_samples[];
extern const StepSample __stop_step_samples[];
}

std::span<const StepSample> step_samples() {
    return {__start_step_samples, __stop_step_samples};
}

asm(R"(
    .macro sample code:vararg
    .balign 16
8:  \code
9:  int3
    .fill 6, 1, 0xcc
7:  int3
    .pushsection .rodata
6:  .asciz "\code"
    .popsection
    .pushsection step_samples, "aw"
    .quad 8b, 9b, 6b
    .popsection
    .endm

    .macro for_each_condition code:vararg
    .irp condition, o, no, b, ae, e, ne, be, a, s, ns, p, np, l, ge, le, g
    \code
    .endr
    .endm

    .pushsection .data
    .globl step_sample_cells
    .balign 64
step_sample_cells:
    .quad step_sample_target, step_sample_target
    .fill 14, 8, 0x0123456789abcdef
    .popsection

    .text
    .globl step_sample_target
step_sample_target: int3

    // Data, by registers and by distance.
    sample nop
    sample nopl 0x12345678(%rax,%rax,1)
    sample endbr64
    sample mov %rax, %r14
    sample movabs $0x1122334455667788, %rax
    sample mov $-5, %r9
    sample mov step_sample_cells+16(%rip), %rax
    sample mov %r10, step_sample_cells+24(%rip)
    sample movl $0x12345678, step_sample_cells+32(%rip)
    sample movw $0x1234, step_sample_cells+40(%rip)
    sample movb $0x12, step_sample_cells+42(%rip)
    sample cmpl $77, step_sample_cells+48(%rip)
    sample addq $-3, step_sample_cells+56(%rip)
    sample lea step_sample_cells+7(%rip), %r11
    sample lea -8(%rbx,%rcx,4), %rax
    sample mov (%rbx), %rax
    sample mov 8(%rbx,%rcx,8), %r12
    sample mov %al, 100(%rsi)
    sample mov %dx, %es:2(%rdi)
    sample mov -8(%rbp), %r13d
    sample movzbl step_sample_cells+5(%rip), %edx
    sample movslq step_sample_cells+20(%rip), %rdx
    sample movsbw 3(%rbx), %ax
    sample movbe 16(%rbx), %rax
    sample mov %fs:0, %rax
    sample xchg %rax, step_sample_cells+64(%rip)
    sample xchg %rdx, %r9
    sample bswap %r10
    sample cmove %rax, %rdx
    sample cmovg 8(%rbx), %rdx
    sample setle %r9b
    sample cwtl
    sample cqto
    sample xlatb

    // Arithmetic, and its flags.
    sample add %rax, %rdx
    sample adc %r9, 24(%rbx)
    sample sbb $5, %r10
    sample cmp %rax, %rdx
    sample testb $0x10, step_sample_cells+1(%rip)
    sample testl $0x12345678, 4(%rbx)
    sample notq 8(%rbx)
    sample negl %r9d
    sample incq step_sample_cells+72(%rip)
    sample decb 3(%rbx)
    sample imul $100, %rax, %rdx
    sample imulq $0x12345, step_sample_cells+16(%rip), %rax
    sample mul %r9
    sample shl $5, %rax
    sample sar %cl, %r9
    sample rcl $1, %edx
    sample shld $7, %rax, %rdx
    sample shrd %cl, %rax, 8(%rbx)
    sample bt $5, %rax
    sample btsq $9, step_sample_cells+80(%rip)
    sample bsf %rax, %rdx
    sample popcnt %rax, %rdx
    sample crc32q %rax, %rdx
    sample lahf
    sample sahf
    sample stc
    sample clc
    sample cmc

    // Atomic.
    sample lock addq $1, step_sample_cells+88(%rip)
    sample lock xadd %rax, 16(%rbx)
    sample lock cmpxchg %rdx, step_sample_cells+16(%rip)
    sample lock cmpxchg8b 64(%rbx)
    sample lock cmpxchg16b 64(%rbx)
    sample mfence

    // The stack.
    sample push %rax
    sample push %r14
    sample push $-7
    sample push $0x12345678
    sample pushq step_sample_cells+16(%rip)
    sample pushq (%rsp)
    sample push %rsp
    sample pushw $5
    sample pop %rdx
    sample pop %r9
    sample popq step_sample_cells+96(%rip)
    sample pop %rsp
    sample pushfq
    sample leave
    sample enter $32, $0

    // Strings.
    sample movsb
    sample movsq
    sample rep movsb
    sample rep movsq
    sample rep stosb
    sample rep stosq
    sample lodsb
    sample repe cmpsb
    sample repne scasb
    sample std
    sample cld

    // Vectors and the FPU.
    sample movaps %xmm1, %xmm2
    sample movups step_sample_cells+3(%rip), %xmm3
    sample movdqa %xmm4, step_sample_cells(%rip)
    sample movss 4(%rbx), %xmm5
    sample addpd %xmm1, %xmm2
    sample mulsd step_sample_cells+16(%rip), %xmm3
    sample pshufd $0x1b, step_sample_cells(%rip), %xmm6
    sample pshufb %xmm1, %xmm7
    sample pcmpistri $0x1a, step_sample_cells(%rip), %xmm1
    sample pinsrq $1, step_sample_cells+8(%rip), %xmm2
    sample palignr $3, step_sample_cells(%rip), %xmm2
    sample pmovmskb %xmm1, %eax
    sample cvtsi2sd %rax, %xmm0
    sample ucomisd %xmm1, %xmm2
    sample movq %xmm1, %rax
    sample ldmxcsr step_sample_mxcsr(%rip)
    sample stmxcsr step_sample_cells+96(%rip)
    sample fldl step_sample_cells+16(%rip)
    sample fstpl step_sample_cells+96(%rip)
    sample fnstcw step_sample_cells+104(%rip)
    .pushsection .rodata
step_sample_mxcsr: .long 0x1f80
    .popsection

    // Branches.
    sample jmp 7f
    sample {disp32} jmp 7f
    sample jmp *%r15
    sample notrack jmp *%r15
    sample jmp *step_sample_cells(%rip)
    sample jmp *8(%rbx)
    sample jmp *(%rbx,%rcx,8)
    sample jmp *-16(%rsp,%rcx,8)
    sample jmp *16(%r8)
    sample call 7f
    sample call *%r15
    sample call *step_sample_cells+8(%rip)
    sample call *(%rbx,%rcx,8)
    sample call *8(%rsp)
    sample call *128(%rsp)
    sample ret
    sample ret $24
    sample rep ret
    for_each_condition sample j\condition 7f
    for_each_condition sample {disp32} j\condition 7f
    sample loop 7f
    sample loope 7f
    sample loopne 7f
    sample jrcxz 7f
)");
