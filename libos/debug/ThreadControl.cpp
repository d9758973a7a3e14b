#include "libos/debug/ThreadControl.h"

#include "libos/debug/TextPatcher.h"
#include "libos/debug/World.h"
#include "libos/sched/Scheduler.h"
#include "libos/trace/Events.h"

#include <arch/Processor.h>

namespace debug {

using sched::Thread;

void carry_out(const gdbstub::ResumePlan& plan, GuestTarget& target, Thread* stopped) {
    bool plain = plan.outcome != gdbstub::Outcome::Resume || plan.is_plain_continue();
    bool holds_changed = false;
    auto& scheduler = sched::scheduler();
    for (Thread* thread = scheduler.first_thread(); thread != nullptr; thread = thread->all_next) {
        auto action = plain ? gdbstub::ResumeAction{} : plan.action_for(thread->tid);
        // The kernel's own threads go on, or nothing that the stepping thread needs would be done.
        bool held = !thread->is_kernel() && action.kind == gdbstub::ResumeKind::Stay;
        bool stepping = action.kind == gdbstub::ResumeKind::Step || action.kind == gdbstub::ResumeKind::RangeStep;
        holds_changed = holds_changed || held != thread->held.load(std::memory_order_relaxed);
        thread->held.store(held, std::memory_order_relaxed);
        if (thread->is_kernel() && thread != stopped)
            continue;
        thread->step_cancelled = !stepping && (thread->stepping || thread->step_cancelled);
        thread->stepping = stepping;
        thread->step_range_start = action.kind == gdbstub::ResumeKind::RangeStep ? action.range_begin : 0;
        thread->step_range_end = action.kind == gdbstub::ResumeKind::RangeStep ? action.range_end : 0;
        if (!held && !text_patcher().has_breakpoint(thread->reported_pc))
            note_reported(*thread, nullptr);
        arch::TrapFrame& own = *target.frame_of(*thread);
        if (stepping)
            own.enable_single_step();
        else
            own.disable_single_step();
    }
    if (holds_changed)
        world().reschedule_all_on_resume();
}

void note_reported(Thread& thread, const arch::TrapFrame* frame) {
    thread.reported_pc = frame != nullptr ? frame->pc() : 0;
    thread.reported_sp = frame != nullptr ? frame->sp() : 0;
}

bool has_reported(const Thread& thread, const arch::TrapFrame& frame) {
    return thread.reported_pc != 0 && thread.reported_pc == frame.pc() && thread.reported_sp == frame.sp();
}

bool steps_from(uint64_t address, GuestTarget& target) {
    for (Thread* thread = sched::scheduler().first_thread(); thread != nullptr; thread = thread->all_next) {
        if (thread->stepping && target.frame_of(*thread)->pc() == address)
            return true;
    }
    return false;
}

void interrupt_changed_threads() {
    auto& scheduler = sched::scheduler();
    for (;;) {
        Thread* found = nullptr;
        {
            sched::SpinLocker locker(scheduler.lock());
            for (Thread* t = scheduler.first_thread(); t != nullptr && found == nullptr; t = t->all_next) {
                if (t->registers_changed) {
                    t->registers_changed = false;
                    found = t;
                }
            }
        }
        if (found == nullptr)
            return;
        scheduler.interrupt(*found);
    }
}

bool is_held() {
    const Thread* thread = arch::this_cpu().current;
    return thread != nullptr && thread->held.load(std::memory_order_relaxed);
}

bool wait_while_held(const arch::TrapFrame& frame) {
    auto& scheduler = sched::scheduler();
    Thread* thread = arch::this_cpu().current;
    if (!is_held())
        return false;
    // Kernel code may hold locks, an app's probe its place in the ring: those keep their CPU. An NMI parks it as it
    // would anywhere, and what happens in a stop is seen after it (World::park()), so relaxed loads do.
    bool may_switch = frame.from_app() && !trace::probe_in_progress();
    while (thread->held.load(std::memory_order_relaxed)) {
        if (may_switch) {
            scheduler.yield();
            continue;
        }
        scheduler.note_alive();
        arch::relax();
    }
    return true;
}

} // namespace debug
