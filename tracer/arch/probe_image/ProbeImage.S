# The least that a PVH image can do: from the 32-bit entry to long mode, one line on the first serial port, and off.
# It tells whether KVM works (AcceleratorProbe.h), and benchmarks measure boots against it. Boots on q35 and microvm.

    .equ com1, 0x3f8
    .equ cr0_pe_pg, 0x80000001
    .equ cr4_pae, 0x20
    .equ efer, 0xc0000080
    .equ efer_lme, 0x100
    .equ page_present_writable, 0x3
    .equ page_2m, 0x80

    .section .note.Xen, "a", @note
    .align 4
    .long 4, 8, 18              # name size, description size, XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .quad start32

    .text
    .code32
    .globl start32
start32:
    cld
    movl $pml4, %eax
    movl %eax, %cr3
    movl %cr4, %eax
    orl $cr4_pae, %eax
    movl %eax, %cr4
    movl $efer, %ecx
    rdmsr
    orl $efer_lme, %eax
    wrmsr
    movl %cr0, %eax
    orl $cr0_pe_pg, %eax
    movl %eax, %cr0
    lgdt gdt_pointer
    ljmp $8, $start64

    .code64
start64:
    movl $16, %eax
    movl %eax, %ds
    movl %eax, %ss
    leaq line(%rip), %rsi
    movl $line_end - line, %ecx
next_byte:
    movw $com1 + 5, %dx
wait_for_room:
    inb %dx, %al
    testb $0x20, %al
    jz wait_for_room
    movw $com1, %dx
    outsb
    loop next_byte

    movw $0x604, %dx            # q35: PM1a control, S5
    movw $0x2000, %ax
    outw %ax, %dx
    movl $0xfea00200, %ebx
    movb $0x34, (%rbx)          # microvm: sleep control register, S5
halt:
    cli
    hlt
    jmp halt

    .section .rodata
line:
    .ascii "up\n"
line_end:
    .align 8
gdt:
    .quad 0
    .quad 0x00af9a000000ffff    # 64-bit code
    .quad 0x00cf92000000ffff    # data
gdt_pointer:
    .word . - gdt - 1
    .long gdt

    .data
    .align 4096
pml4:
    .quad pdpt + page_present_writable
    .fill 511, 8, 0
pdpt:
    .quad directory + page_present_writable
    .quad 0, 0
    .quad devices + page_present_writable
    .fill 508, 8, 0
directory:
    .quad page_present_writable + page_2m
    .quad 0x200000 + page_present_writable + page_2m
    .fill 510, 8, 0
devices:                        # 0xc0000000 and up: the one 2 MiB page with microvm's ACPI registers
    .fill 0x1f5, 8, 0
    .quad 0xfea00000 + page_present_writable + page_2m
    .fill 10, 8, 0
    .section .note.GNU-stack, "", @progbits
