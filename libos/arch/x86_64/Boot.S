// From the PVH entry point (32-bit protected mode, no paging) to kernel_main() in 64-bit mode, and the same for the
// application processors from real mode. Source of the entry state: Xen, docs/misc/pvh.pandoc ("start of day").
#include "arch/AsmOffsets.h"

    .cfi_sections .debug_frame

#define PHYSICAL(symbol) symbol - KERNEL_OFFSET

    // The note is what QEMU, Firecracker and Cloud Hypervisor look for: type 18 is XEN_ELFNOTE_PHYS32_ENTRY.
    // Alignment 4: QEMU aligns the name with the segment's alignment.
    .section .note.Xen, "a", @note
    .align 4
    .long 4
    .long 8
    .long 18
    .asciz "Xen"
    .quad pvh_start - KERNEL_OFFSET

    .section .text
    .code32
    .globl pvh_start
    .type pvh_start, @function
pvh_start:
    .cfi_startproc
    .cfi_undefined 16
    cld
    movl $PHYSICAL(g_boot_stack_end), %esp
    movl %ebx, %edi                         // start_info, kept for kernel_main

    // Page tables: the first GiB at 0, again at 1 GiB (the libOS) and at the direct map, in 2 MiB pages.
    movl $PHYSICAL(g_boot_pd), %ecx
    movl $0x83, %eax                        // present, writable, large
1:  movl %eax, (%ecx)
    movl $0, 4(%ecx)
    addl $0x200000, %eax
    addl $8, %ecx
    cmpl $PHYSICAL(g_boot_pd) + 4096, %ecx
    jne 1b
    movl $PHYSICAL(g_boot_pd) + 3, %eax
    movl %eax, PHYSICAL(g_boot_pdpt)
    movl %eax, PHYSICAL(g_boot_pdpt) + 8
    movl $PHYSICAL(g_boot_pdpt) + 3, %eax
    movl %eax, PHYSICAL(g_boot_pml4)
    movl %eax, PHYSICAL(g_boot_pml4) + 256 * 8
    movl $PHYSICAL(g_boot_pml4), %eax
    movl %eax, %cr3

    call enable_long_mode
    lgdt PHYSICAL(g_boot_gdt_pointer)
    ljmp $SELECTOR_CODE, $PHYSICAL(long_mode_low)
    .cfi_endproc
    .size pvh_start, . - pvh_start

    // CR4: PAE, PGE, OSFXSR, OSXMMEXCPT. EFER: SCE, LME, NXE. CR0: PG, WP, NE, ET, MP, PE. Clobbers eax, ecx, edx.
    .type enable_long_mode, @function
enable_long_mode:
    movl $0x6a0, %eax
    movl %eax, %cr4
    movl $0xc0000080, %ecx
    rdmsr
    orl $0x901, %eax
    wrmsr
    movl $0x80010033, %eax
    movl %eax, %cr0
    ret
    .size enable_long_mode, . - enable_long_mode

    .code64
    .type long_mode_low, @function
long_mode_low:
    .cfi_startproc
    .cfi_undefined 16
    movl $SELECTOR_DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    movl %edi, %edi
    movabsq $DIRECT_MAP_BASE, %rax          // stacks are always in the upper half: see TrapFrame::from_app
    leaq PHYSICAL(g_boot_stack_end)(%rax), %rsp
    xorl %ebp, %ebp
    movq $kernel_main, %rax
    call *%rax
    ud2
    .cfi_endproc
    .size long_mode_low, . - long_mode_low

    // Application processors: copied to a page below 1 MiB; CS:0 is its start.
    .globl ap_trampoline, ap_trampoline_end
    .code16
ap_trampoline:
    cli
    movw %cs, %ax
    movw %ax, %ds
    movzwl %ax, %ebx
    shll $4, %ebx
    lgdtl ap_gdt_pointer - ap_trampoline
    movl $0x6a0, %eax
    movl %eax, %cr4
    movl ap_cr3 - ap_trampoline, %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx
    rdmsr
    orl $0x901, %eax
    wrmsr
    movl $0x80010033, %eax
    movl %eax, %cr0
    ljmpl *(ap_far_pointer - ap_trampoline)
    .code64
ap_long:
    movl $SELECTOR_DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
    movq ap_stack - ap_trampoline(%rbx), %rsp
    movq ap_argument - ap_trampoline(%rbx), %rdi
    movq ap_entry - ap_trampoline(%rbx), %rax
    xorl %ebp, %ebp
    pushq $0
    jmp *%rax
    .align 16
    .globl ap_gdt_pointer, ap_far_pointer, ap_cr3, ap_stack, ap_argument, ap_entry, ap_long, ap_gdt
ap_gdt:
    .quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff
ap_gdt_pointer:
    .word 23
    .long 0                                 // filled in: trampoline + (ap_gdt - ap_trampoline)
    .align 8
ap_far_pointer:
    .long 0                                 // filled in: trampoline + (ap_long - ap_trampoline)
    .word SELECTOR_CODE
    .align 8
ap_cr3:
    .quad 0
ap_stack:
    .quad 0
ap_argument:
    .quad 0
ap_entry:
    .quad 0
ap_trampoline_end:

    .section .rodata
    .align 16
g_boot_gdt:
    .quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff
    .align 4
g_boot_gdt_pointer:
    .word 23
    .long PHYSICAL(g_boot_gdt)

    .section .bss, "aw", @nobits
    .align 4096
g_boot_pml4: .skip 4096
g_boot_pdpt: .skip 4096
g_boot_pd:   .skip 4096
    .globl g_boot_stack, g_boot_stack_end
g_boot_stack: .skip 16384
g_boot_stack_end:
    .section .note.GNU-stack, "", @progbits
