#include "arch/CpuLocal.h"
#include "arch/Interrupts.h"
#include "arch/LocalApic.h"
#include "arch/Registers.h"
#include "libos/base/Assert.h"

extern "C" const std::byte trap_vectors[];
extern "C" const std::byte doze_entry[];
extern "C" void syscall_entry();

namespace arch {

namespace {

/// Interrupt gate. Intel SDM vol. 3, figure 6-8.
struct Gate {
    uint16_t offset_low;
    uint16_t selector;
    uint8_t ist;
    uint8_t type;
    uint16_t offset_middle;
    uint32_t offset_high;
    uint32_t reserved;
};
static_assert(sizeof(Gate) == 16);

struct [[gnu::packed]] TablePointer {
    uint16_t limit;
    uint64_t base;
};

constinit Gate g_idt[256] = {};
constinit CpuLocal* g_cpus[max_cpus] = {};
constinit std::atomic<uint32_t> g_cpu_count{0};

constexpr uint8_t stack_of_vector(unsigned vector) {
    switch (vector) {
    case 1:
        return DebugStack;
    case 2:
        return NmiStack;
    case 3:
        return BreakpointStack;
    case 8:
        return DoubleFaultStack;
    case 18:
        return MachineCheckStack;
    default:
        return OrdinaryStack;
    }
}

void fill_idt() {
    for (unsigned vector = 0; vector < 256; ++vector) {
        auto address = reinterpret_cast<uint64_t>(vector == doze_vector ? doze_entry : trap_vectors + vector * 16);
        g_idt[vector] = {static_cast<uint16_t>(address),
                         SELECTOR_CODE,
                         stack_of_vector(vector),
                         0x8e,
                         static_cast<uint16_t>(address >> 16),
                         static_cast<uint32_t>(address >> 32),
                         0};
    }
}

uint64_t top_of(std::byte* stack, size_t size) {
    return reinterpret_cast<uint64_t>(stack) + size;
}

} // namespace

CpuLocal& cpu(uint32_t index) {
    ASSERT(index < g_cpu_count.load(std::memory_order_acquire));
    return *g_cpus[index];
}

uint32_t cpu_count() {
    return g_cpu_count.load(std::memory_order_acquire);
}

CpuLocal& add_cpu(CpuLocal& storage) {
    uint32_t index = g_cpu_count.load(std::memory_order_relaxed);
    ASSERT(index < max_cpus);
    storage.self = &storage;
    storage.index = index;
    g_cpus[index] = &storage;
    // release: who sees the new count sees the pointer and the CpuLocal behind it.
    g_cpu_count.store(index + 1, std::memory_order_release);
    return storage;
}

void initialize_cpu(CpuLocal& cpu) {
    if (g_idt[0].type == 0)
        fill_idt();

    auto& tss = cpu.task_state;
    tss.io_map = sizeof(TaskState);
    tss.ist[OrdinaryStack - 1] = top_of(cpu.ordinary_stack, sizeof(cpu.ordinary_stack));
    tss.ist[DebugStack - 1] = top_of(cpu.debug_stack, sizeof(cpu.debug_stack));
    tss.ist[BreakpointStack - 1] = top_of(cpu.breakpoint_stack, sizeof(cpu.breakpoint_stack));
    tss.ist[NmiStack - 1] = top_of(cpu.nmi_entry_stack, sizeof(cpu.nmi_entry_stack));
    tss.ist[DoubleFaultStack - 1] = top_of(cpu.double_fault_stack, sizeof(cpu.double_fault_stack));
    tss.ist[MachineCheckStack - 1] = top_of(cpu.machine_check_stack, sizeof(cpu.machine_check_stack));
    cpu.nmi_stack_top = top_of(cpu.nmi_stack, sizeof(cpu.nmi_stack));
    cpu.emergency_stack_top = top_of(cpu.emergency_stack, sizeof(cpu.emergency_stack));

    auto base = reinterpret_cast<uint64_t>(&tss);
    cpu.gdt[0] = 0;
    cpu.gdt[1] = 0x00af9b000000ffff; // 64-bit code, ring 0
    cpu.gdt[2] = 0x00cf93000000ffff; // data
    cpu.gdt[3] =
        (sizeof(TaskState) - 1) | ((base & 0xffffff) << 16) | (uint64_t{0x89} << 40) | ((base >> 24 & 0xff) << 56);
    cpu.gdt[4] = base >> 32;

    TablePointer gdt{sizeof(cpu.gdt) - 1, reinterpret_cast<uint64_t>(cpu.gdt)};
    TablePointer idt{sizeof(g_idt) - 1, reinterpret_cast<uint64_t>(g_idt)};
    asm volatile("lgdt %0" ::"m"(gdt));
    asm volatile("lidt %0" ::"m"(idt));
    // Reloads CS; the data segments already hold the same selector.
    asm volatile("pushq %0; leaq 1f(%%rip), %%rax; pushq %%rax; lretq; 1:" ::"i"(SELECTOR_CODE) : "rax", "memory");
    asm volatile("ltr %w0" ::"r"(SELECTOR_TSS));
    write_msr(msr::gs_base, reinterpret_cast<uint64_t>(&cpu));

    write_msr(msr::star, uint64_t{SELECTOR_CODE} << 32);
    write_msr(msr::lstar, reinterpret_cast<uint64_t>(&syscall_entry));
    write_msr(msr::sfmask, 0x47700); // AC, NT, IOPL, DF, IF, TF
}

} // namespace arch
