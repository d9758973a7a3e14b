#pragma once
#pragma GCC system_header
/*
 * The assembly of a static probe on x86-64: the site, the reservation, the commit. For probes/Probe.h only; C and C++.
 *
 * gs:0x100 ... is probes::CpuBlock. Instructions without a lock prefix are enough: only this CPU writes these words,
 * and an interrupt or NMI comes between two instructions, never inside one.
 */

/* Memory operands spare the code around a probe a register; clang would always take one, and store to it first. */
#ifdef __clang__
#define UNISCOPE_ARCH_ARGUMENT(variable) "nr"(variable)
#define UNISCOPE_ARCH_COLD_LABEL
#else
#define UNISCOPE_ARCH_ARGUMENT(variable) "nor"(variable)
#define UNISCOPE_ARCH_COLD_LABEL __attribute__((__cold__))
#endif

#define UNISCOPE_ARCH_SYMBOL(provider, name, flags, family_size)                                                       \
    "uniscope_event." provider "." name "." flags "." family_size

/*
 * One 5-byte nop; its entry in uniscope_sites; the event's descriptor, once a program, in a group of its own; and the
 * SystemTap note (version 3) that gdb's `info probes stap` reads. "?" puts a section into the group of the function
 * around it, so that it goes when the linker drops a second copy of that function; "R" keeps it from --gc-sections.
 */
#define UNISCOPE_ARCH_SITE(provider, name, flags, family_size, count, symbol, descriptions, field_names, arguments,    \
                           enabled, operands)                                                                          \
    __asm__ __inline__ goto("9901: .byte 0x0f, 0x1f, 0x44, 0x00, 0x00\n"                                               \
                            ".pushsection uniscope_sites,\"awR?\",@progbits\n"                                         \
                            ".balign 8\n"                                                                              \
                            ".quad 9901b, %l[" #enabled "], " symbol ", 0\n"                                           \
                            ".popsection\n"                                                                            \
                            ".ifndef " symbol "\n"                                                                     \
                            ".pushsection uniscope_events,\"awGR\",@progbits," symbol ",comdat\n"                      \
                            ".balign 8\n"                                                                              \
                            ".weak " symbol "\n"                                                                       \
                            ".hidden " symbol "\n"                                                                     \
                            ".type " symbol ",@object\n"                                                               \
                            ".size " symbol ",64\n" symbol ": .quad 0, 9902f, 9903f, 9904f\n"                          \
                            ".long %c[uniscope_count], " flags ", " family_size ", 1\n"                                \
                            ".quad 0, 0\n"                                                                             \
                            ".popsection\n"                                                                            \
                            ".pushsection .data.rel.ro.uniscope,\"awG\",@progbits," symbol ",comdat\n"                 \
                            ".balign 8\n"                                                                              \
                            "9904: " descriptions "9902: .asciz \"" provider "\"\n"                                    \
                            "9903: .asciz \"" name "\"\n" field_names ".popsection\n"                                  \
                            ".endif\n"                                                                                 \
                            ".pushsection .note.stapsdt,\"?\",@note\n"                                                 \
                            ".balign 4\n"                                                                              \
                            ".long 9906f-9905f, 9908f-9907f, 3\n"                                                      \
                            "9905: .asciz \"stapsdt\"\n"                                                               \
                            "9906: .balign 4\n"                                                                        \
                            "9907: .quad 9901b, _.stapsdt.base, 0\n"                                                   \
                            ".asciz \"" provider "\"\n"                                                                \
                            ".asciz \"" name "\"\n"                                                                    \
                            ".asciz \"" arguments "\"\n"                                                               \
                            "9908: .balign 4\n"                                                                        \
                            ".popsection\n"                                                                            \
                            ".ifndef _.stapsdt.base\n"                                                                 \
                            ".pushsection .stapsdt.base,\"aG\",@progbits,.stapsdt.base,comdat\n"                       \
                            ".weak _.stapsdt.base\n"                                                                   \
                            ".hidden _.stapsdt.base\n"                                                                 \
                            "_.stapsdt.base: .space 1\n"                                                               \
                            ".size _.stapsdt.base, 1\n"                                                                \
                            ".popsection\n"                                                                            \
                            ".endif\n"                                                                                 \
                            :                                                                                          \
                            : [uniscope_count] "n"(count)operands                                                      \
                            :                                                                                          \
                            : enabled)

/*
 * Reserves `size` bytes: event = where, header = the word to commit. From its first instruction depth is not 0.
 *
 * head (events << 32 | offset) moves by one cmpxchg that has the timestamp taken before it: whoever came in between has
 * moved head, and the loop takes a fresh timestamp. So events stand in the order of their timestamps. An offset past
 * limit goes to CpuBlock::slow_path by a jump with the return address in rax, not a call, because the code around may
 * keep variables in the red zone. The slow path is given head in r10 and the wanted head in r11; it returns the event
 * in r10 and the timestamp in rdx, and changes rax and r11 besides. The store behind the cmpxchg makes the place a hole
 * of known size until the commit. r10 and r11, because code around a probe seldom has its variables there.
 */
#define UNISCOPE_ARCH_RESERVE(event, header, size, symbol, operands)                                                   \
    do {                                                                                                               \
        register char* uniscope_r10 __asm__("r10");                                                                    \
        __asm__ __volatile__ __inline__(                                                                               \
            "incl %%gs:0x100\n"                                                                                        \
            "9911: movq %%gs:0x108, %[uniscope_place]\n"                                                               \
            "movq %[uniscope_delta], %%r11\n"                                                                          \
            "addq %[uniscope_place], %%r11\n"                                                                          \
            "cmpl %%r11d, %%gs:0x104\n"                                                                                \
            "jae 9912f\n"                                                                                              \
            "leaq 9913f(%%rip), %%rax\n"                                                                               \
            "jmpq *%%gs:0x118\n"                                                                                       \
            "9912: rdtsc\n"                                                                                            \
            "shlq $32, %%rdx\n"                                                                                        \
            "orq %%rax, %%rdx\n"                                                                                       \
            "movq %[uniscope_place], %%rax\n"                                                                          \
            "cmpxchgq %%r11, %%gs:0x108\n"                                                                             \
            "jne 9911b\n"                                                                                              \
            "movl %k[uniscope_place], %k[uniscope_place]\n"                                                            \
            "addq %%gs:0x110, %[uniscope_place]\n"                                                                     \
            "movq %[uniscope_hole], (%[uniscope_place])\n"                                                             \
            "9913: shlq $16, %%rdx\n"                                                                                  \
            "orq " symbol "(%%rip), %%rdx\n"                                                                           \
            : [uniscope_place] "=&r"(uniscope_r10), "=&d"(header)                                                      \
            : [uniscope_delta] "ri"((1ul << 32) + (size)), [uniscope_hole] "re"((size) << 16) operands                 \
            : "rax", "r11", "cc", "memory");                                                                           \
        event = uniscope_r10; /* at once: a register variable is not kept across a call */                             \
    } while (0)

/* The header goes in last. A reader on another CPU never looks before this CPU has published the closed packet. */
#define UNISCOPE_ARCH_COMMIT(event, header)                                                                            \
    __asm__ __volatile__ __inline__("movq %[uniscope_word], (%[uniscope_place])\n"                                     \
                                    "decl %%gs:0x100\n"                                                                \
                                    :                                                                                  \
                                    : [uniscope_word] "r"(header), [uniscope_place] "r"(event)                         \
                                    : "cc", "memory")
