#pragma once
// CpuLocal: what belongs to one CPU, reached through GS. Assembly knows the first words by the offsets of AsmOffsets.h.
//
// Read and written by its own CPU with interrupts off, unless a member says otherwise.

#include "arch/AsmOffsets.h"

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace wire {
struct CrashCpu;
}

namespace sched {
class Thread;
struct RunQueue;
} // namespace sched

namespace arch {

/// Task state segment of the 64-bit mode: only the interrupt stacks matter. Intel SDM vol. 3, figure 8-11.
struct [[gnu::packed]] TaskState {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7]; ///< ist[0] is IST1
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t io_map;
};
static_assert(sizeof(TaskState) == 104);

/// Which stack a vector enters on: index into TaskState::ist + 1.
enum InterruptStack : uint8_t {
    OrdinaryStack = 1,
    DebugStack = 2,
    BreakpointStack = 3,
    NmiStack = 4,
    DoubleFaultStack = 5,
    MachineCheckStack = 6,
};

inline constexpr uint32_t max_cpus = 64;
inline constexpr size_t probe_block_offset = 0x100;
inline constexpr size_t probe_block_size = 0x100;

struct alignas(4096) CpuLocal {
    CpuLocal* self;
    uint64_t scratch;
    uint64_t kernel_stack_top;    ///< of the current thread
    uint64_t kernel_stack_bottom; ///< lowest byte a frame may use
    uint64_t nmi_stack_top;
    uint64_t emergency_stack_top;

    uint32_t index;   ///< 0 is the boot CPU
    uint32_t apic_id; ///< of the local APIC
    sched::Thread* current;
    sched::Thread* idle;
    /// Set by any CPU: this one is to call the scheduler before it returns to an app.
    std::atomic<bool> reschedule;
    /// Bumped by each timer tick of this CPU; the other CPUs' watchdogs read it.
    std::atomic<uint64_t> ticks;
    wire::CrashCpu* crash_record; ///< nullptr until the crash root is published
    uint64_t last_tick;           ///< timestamp of this CPU's last timer interrupt
    /// An NMI came in entry code, before there was a frame to show; volatile: the NMI is this CPU's own.
    volatile bool nmi_deferred;
    /// The CPU's slot is taken (libos/debug/OutOfLine.h): by code that fills it, or by the interrupted thread, which is
    /// in it or on the last instructions before. Volatile too.
    volatile bool in_slot;
    /// arch/NoStop.h; volatile for the same reason.
    volatile bool stop_put_off;
    volatile uint32_t no_stop_depth;
    /// SpinLocks that this CPU holds or is about to take; volatile: a stop may land between any two instructions.
    volatile uint32_t spin_locks;
    /// When this kernel last sent this CPU an NMI, by timestamp(). Written by any CPU.
    std::atomic<uint64_t> nmi_sent;
    std::atomic<bool> online;
    /// Parked by the debugger: answers no requests, and need not, since it synchronises itself when it goes on.
    std::atomic<bool> parked;
    /// Number of the newest request of each kind that this CPU has carried out. Written by this CPU, read by the
    /// requester.
    std::atomic<uint64_t> flushed;
    std::atomic<uint64_t> synchronized;

    alignas(probe_block_offset) std::byte probe_block[probe_block_size]; ///< probes::CpuBlock

    TaskState task_state;
    alignas(16) uint64_t gdt[8];
    /// The interrupt stacks; 16 KiB for the debugger's, which runs the stub on the NMI stack.
    alignas(16) std::byte ordinary_stack[4096];
    alignas(16) std::byte debug_stack[4096];
    alignas(16) std::byte breakpoint_stack[4096];
    alignas(16) std::byte nmi_entry_stack[1024];
    alignas(16) std::byte double_fault_stack[8192];
    alignas(16) std::byte machine_check_stack[1024];
    alignas(16) std::byte nmi_stack[NMI_STACK_SIZE];
    alignas(16) std::byte emergency_stack[16384];
};

static_assert(offsetof(CpuLocal, self) == CPU_SELF);
static_assert(offsetof(CpuLocal, scratch) == CPU_SCRATCH);
static_assert(offsetof(CpuLocal, kernel_stack_top) == CPU_KERNEL_STACK_TOP);
static_assert(offsetof(CpuLocal, kernel_stack_bottom) == CPU_KERNEL_STACK_BOTTOM);
static_assert(offsetof(CpuLocal, nmi_stack_top) == CPU_NMI_STACK_TOP);
static_assert(offsetof(CpuLocal, emergency_stack_top) == CPU_EMERGENCY_STACK_TOP);
static_assert(offsetof(CpuLocal, probe_block) == probe_block_offset);

inline CpuLocal& this_cpu() {
    CpuLocal* cpu;
    asm volatile("movq %%gs:0, %0" : "=r"(cpu));
    return *cpu;
}

/// Every CPU that was brought up; index < cpu_count(). Any context.
CpuLocal& cpu(uint32_t index);
uint32_t cpu_count();

/// Storage for one more CPU's CpuLocal, zeroed; index is assigned in order. Boot only.
CpuLocal& add_cpu(CpuLocal& storage);

/// Loads GDT, IDT, TSS, GS and the system call registers of this CPU.
void initialize_cpu(CpuLocal& cpu);

} // namespace arch
