#pragma once
// Thread: one schedulable flow of control, of the app or of the kernel.
//
// Scheduling members are guarded by the scheduler's lock. The rest belongs to the thread itself, or is read in the
// stopped world. A Thread lives until it has exited and nobody's pointer can be left: freed by the CPU that switched
// away from it.

#include "libos/base/Result.h"
#include "libos/sched/WaitQueue.h"
#include "libos/signal/ThreadSignals.h"
#include "probes/wire/Core.h"

#include <arch/TrapFrame.h>
#include <atomic>
#include <cstdint>
#include <span>
#include <string_view>

namespace sched {

enum class ThreadState : uint8_t { Running, Runnable, Blocked, Exited };

/// Why a thread sleeps: what `info threads` and the report call it.
enum class WaitReason : uint8_t { None, Futex, Sleep, Io, Poll, Signal, Join };

class Thread {
public:
    static constexpr size_t name_size = 16;
    static constexpr uint64_t kernel_stack_size = 16384;

    /// A kernel thread that runs function(argument) on its kernel stack. Not yet runnable.
    static base::Result<Thread*> create_kernel(std::string_view name, void (*function)(void*), void* argument);
    /// An app thread that will return to the app through `frame`, which is copied.
    static base::Result<Thread*> create_app(const arch::TrapFrame& frame, uint64_t fs_base);

    bool is_kernel() const { return m_kernel; }
    /// The registers at the app's last entry into the kernel: at the top of the kernel stack. App threads only.
    arch::TrapFrame& app_frame() {
        return *reinterpret_cast<arch::TrapFrame*>(kernel_stack_top - sizeof(arch::TrapFrame));
    }
    std::string_view name_view() const;
    /// Brings `record` up to date; scheduler's lock held.
    void update_record();
    void set_name(std::string_view text);

    uint32_t tid = 0;
    char name[name_size] = {};

    // --- scheduler ---
    std::atomic<ThreadState> state{ThreadState::Blocked};
    WaitReason wait_reason = WaitReason::None;
    uint32_t cpu = 0; ///< runs there, or ran there last
    uint64_t affinity = UINT64_MAX;
    Thread* queue_next = nullptr; ///< in a run queue or a wait queue
    WaitQueue* waiting_on = nullptr;
    Deadline deadline = no_deadline;
    bool timed_out = false;
    bool interrupted = false;
    Thread* timer_next = nullptr;
    uint64_t slice_end = 0;
    uint64_t cpu_time = 0;   ///< TSC ticks
    uint64_t started_at = 0; ///< TSC when it was put on its CPU
    Thread* all_next = nullptr;
    Thread* all_previous = nullptr;

    // --- context ---
    /// What a crash file says of the thread, and what a dead machine's memory tells the host. `record.switch_frame` is
    /// the stack pointer of a thread that is off its CPU.
    wire::CrashThread record{};
    uint32_t record_index = 0; ///< the scheduler's
    uint64_t& saved_stack_pointer() { return record.switch_frame; }
    uint64_t kernel_stack_top = 0;
    uint64_t kernel_stack_bottom = 0;
    uint64_t fs_base = 0;
    void* fpu_state = nullptr;

    // --- futex ---
    uint64_t futex_address = 0;
    uint32_t futex_bitset = 0;

    // --- process ABI ---
    uint64_t clear_child_tid = 0;
    uint64_t robust_list = 0;
    bool exit_requested = false;

    // --- debugger: written in the stopped world, and what is left of a step by the thread itself ---
    std::atomic<bool> held{false}; ///< must not run
    bool stepping = false;
    bool step_cancelled = false;    ///< a step that may be done already: its trap is not the app's
    bool registers_changed = false; ///< while it slept in a system call
    /// The breakpoint that it has reported and not left yet: when it goes on, it does not report that again. 0 for
    /// none.
    uint64_t reported_pc = 0, reported_sp = 0;
    uint64_t step_range_start = 0, step_range_end = 0;

    arch::TrapFrame* trap_frame = nullptr; ///< of the system call that runs now
    signal::ThreadSignals signals;

private:
    friend class Scheduler;
    bool m_kernel = false;
};

/// Boot: called by each app thread before it runs in the app for the first time.
void set_app_thread_start_hook(void (*hook)(Thread&));

const char* to_string(ThreadState state);
const char* to_string(WaitReason reason);

} // namespace sched
