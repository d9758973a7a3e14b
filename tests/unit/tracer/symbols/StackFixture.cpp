// A static program that writes its own registers and stack to standard output, out of a signal handler that a fault in
// leaf() brought about: what a core of it would hold.
//
// Format: uint64_t registers[17] by DWARF number, uint64_t stack address, then the stack's bytes.
#include <csignal>
#include <cstdint>
#include <unistd.h>

static uint64_t g_stack_end;

__attribute__((noinline)) static void dump() {
    uint64_t registers[17] = {};
    asm volatile("movq %%rbx, %0\n\tmovq %%rbp, %1\n\tmovq %%rsp, %2"
                 : "=m"(registers[3]), "=m"(registers[6]), "=m"(registers[7]));
    asm volatile("movq %%r12, %0\n\tmovq %%r13, %1\n\tmovq %%r14, %2\n\tmovq %%r15, %3"
                 : "=m"(registers[12]), "=m"(registers[13]), "=m"(registers[14]), "=m"(registers[15]));
    asm volatile("leaq 0(%%rip), %%rax\n\tmovq %%rax, %0" : "=m"(registers[16])::"rax");
    bool ok = write(1, registers, sizeof(registers)) == sizeof(registers);
    uint64_t from = registers[7];
    ok = ok && write(1, &from, sizeof(from)) == sizeof(from);
    ok = ok && write(1, reinterpret_cast<const void*>(from), g_stack_end - from) > 0;
    _exit(ok ? 0 : 1);
}

static void on_fault(int) {
    dump();
}

__attribute__((noinline)) static int leaf(volatile int* nowhere) {
    return *nowhere + 1;
}

static inline __attribute__((always_inline)) int inlined(volatile int* nowhere) {
    return leaf(nowhere) + 2;
}

__attribute__((noinline)) static int middle(volatile int* nowhere) {
    return inlined(nowhere) + 3;
}

int main() {
    int here = 0;
    g_stack_end = reinterpret_cast<uint64_t>(&here) + 512;
    signal(SIGSEGV, on_fault);
    return middle(reinterpret_cast<volatile int*>(here)) + here;
}
