// From the PVH entry point (32-bit, no paging) to kernel_main() in 64-bit mode, and the ways into trap().
    .cfi_sections .debug_frame
    .section .note.Xen, "a", @note
    .align 4
    .long 4, 8, 18                          // XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .quad start

    .text
    .code32
    .globl start
start:
    cld
    movl $stack_end, %esp
    movl $page_directory, %edi              // the first GiB, where it is, in pages of 2 MiB
    movl $0x83, %eax
1:  movl %eax, (%edi)
    addl $0x200000, %eax
    addl $8, %edi
    cmpl $page_directory + 4096, %edi
    jne 1b
    movl $page_directory + 3, pointer_table
    movl $pointer_table + 3, top_table
    movl $top_table, %eax
    movl %eax, %cr3
    movl $0x6a0, %eax                       // PAE, PGE, OSFXSR, OSXMMEXCPT
    movl %eax, %cr4
    movl $0xc0000080, %ecx                  // EFER: LME
    movl $0x100, %eax
    xorl %edx, %edx
    wrmsr
    movl $0x80000033, %eax                  // PG, NE, ET, MP, PE
    movl %eax, %cr0
    lgdt gdt_pointer
    ljmp $8, $2f
    .code64
2:  movl $16, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    .cfi_startproc
    .cfi_undefined rip                      // a backtrace ends here
    xorl %ebp, %ebp
    call kernel_main
    ud2
    .cfi_endproc

    // 48 vectors of 16 bytes: exceptions, then the interrupts of the two 8259.
    .align 16
    .globl vectors
vectors:
    .set vector, 0
    .rept 48
    .align 16
    .if !((vector == 8) || (vector >= 10 && vector <= 14) || (vector == 17) || (vector == 21))
    pushq $0                                // where the processor pushes no error code
    .endif
    pushq $vector
    jmp save_registers
    .set vector, vector + 1
    .endr

save_registers:                             // struct frame
    .irp register, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
    pushq %\register
    .endr
    cld
    movq %rsp, %rdi
    movq %rsp, %rbp
    andq $-16, %rsp
    call trap
    movq %rbp, %rsp
    .irp register, r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax
    popq %\register
    .endr
    addq $16, %rsp
    iretq

    .section .rodata
    .align 8
gdt:
    .quad 0, 0x00209a0000000000, 0x0000920000000000
gdt_pointer:
    .word gdt_pointer - gdt - 1
    .long gdt

    .bss
    .align 4096
top_table: .skip 4096
pointer_table: .skip 4096
page_directory: .skip 4096
    .skip 65536
stack_end:
    .section .note.GNU-stack, "", @progbits
