#pragma once
// Numbers that assembly and C++ share. C++ checks each with a static_assert where the structure is declared.

#define KERNEL_OFFSET 0x40000000 // virtual - physical address of the libOS
#define DIRECT_MAP_BASE 0xffff800000000000

#define SELECTOR_CODE 0x08
#define SELECTOR_DATA 0x10
#define SELECTOR_TSS 0x18

// CpuLocal, relative to GS
#define CPU_SELF 0x00
#define CPU_SCRATCH 0x08
#define CPU_KERNEL_STACK_TOP 0x10
#define CPU_KERNEL_STACK_BOTTOM 0x18
#define CPU_NMI_STACK_TOP 0x20
#define CPU_EMERGENCY_STACK_TOP 0x28

#define NMI_STACK_SIZE 16384

// TrapFrame
#define FRAME_R15 0x00
#define FRAME_R14 0x08
#define FRAME_R13 0x10
#define FRAME_R12 0x18
#define FRAME_RBP 0x20
#define FRAME_RBX 0x28
#define FRAME_R11 0x30
#define FRAME_R10 0x38
#define FRAME_R9 0x40
#define FRAME_R8 0x48
#define FRAME_RAX 0x50
#define FRAME_RCX 0x58
#define FRAME_RDX 0x60
#define FRAME_RSI 0x68
#define FRAME_RDI 0x70
#define FRAME_VECTOR 0x78
#define FRAME_ERROR 0x80
#define FRAME_RIP 0x88
#define FRAME_CS 0x90
#define FRAME_RFLAGS 0x98
#define FRAME_RSP 0xa0
#define FRAME_SS 0xa8
#define FRAME_SIZE 0xb0
#define FRAME_WORDS 22

#define VECTOR_SYSCALL 0x100

#define RFLAGS_TF 0x100
#define RFLAGS_RF 0x10000
