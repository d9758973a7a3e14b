#pragma once
// World: stopping all CPUs and letting them go again.
//
// The CPU that has a reason to stop becomes the leader; the others are parked by NMI in a halt, on their NMI stacks,
// with the vector state of their threads saved. Parked CPUs answer no requests and need not: they flush and serialise
// when they go on. A CPU inside a no-stop section (arch/NoStop.h) is parked at the section's end.

#include <arch/CpuLocal.h>
#include <arch/TrapFrame.h>

namespace sched {
class Thread;
}

namespace debug {

class World {
public:
    constexpr World() = default;

    /// Makes this CPU the leader and parks the others. `frame` is what this CPU was interrupted in. False: another CPU
    /// was first, the world was stopped and has gone on meanwhile; whatever made the caller want to stop, it looks
    /// again.
    bool stop(arch::TrapFrame& frame);
    /// Before stop(), for something that this CPU's thread ran into: those that lost the race for an earlier stop come
    /// first, for a moment. Else a thread that comes back to its breakpoint quickly is all that is ever told of.
    void give_way();
    /// A CPU that has come online, before it takes part in anything, interrupts off: waits until a stop that did not
    /// know of it is over.
    void join();
    /// Leader: everybody goes on.
    void resume();
    /// Leader, at the instance's end: parked CPUs stay where they are for ever.
    void abandon() { m_abandoned = true; }

    bool is_stopped() const { return m_leader.load(std::memory_order_acquire) != 0; }
    bool is_leader() const { return m_leader.load(std::memory_order_relaxed) == arch::this_cpu().index + 1; }
    /// Stopped world: no CPU holds a SpinLock, so that what they guard is whole, and those who take them do not wait.
    bool is_at_rest() const;
    /// CPUs that did not park within the time limit (a CPU that is gone): bit mask. Their threads' registers are
    /// unknown.
    uint64_t missing() const { return m_missing; }

    /// Stopped world: what a CPU was interrupted in. nullptr for a CPU that is missing.
    arch::TrapFrame* frame_of_cpu(uint32_t cpu) const { return m_frames[cpu]; }
    /// Where the thread's registers of the app are: see Thread::app_frame().
    arch::TrapFrame* app_frame_of(sched::Thread& thread) const;
    /// Where the CPU would go on with this thread if it is on one, kernel or app. nullptr for a thread that waits.
    arch::TrapFrame* running_frame_of(const sched::Thread& thread) const;

    /// NMI handler's part, outside of no-stop sections. True: this was a request to park and it has been obeyed, or a
    /// wake-up of this kernel's own.
    bool handle_nmi(arch::TrapFrame& frame);
    /// Whether a CPU that the leader wants parked may finish with its SpinLocks first: the leader holds none that it
    /// could wait for, and it has not had long enough.
    bool may_finish_with_locks() const { return is_stopped() && !m_is_urgent.load(std::memory_order_relaxed); }
    /// Whether an NMI that is here now comes from this kernel; else somebody outside wants to break in.
    bool is_own_nmi() const;

    /// After it every CPU goes through its scheduler before it goes on in the app.
    void reschedule_all_on_resume() { m_reschedule = true; }

private:
    void park(arch::TrapFrame& frame);

    std::atomic<uint32_t> m_leader{0};        ///< CPU index + 1
    std::atomic<uint64_t> m_park_requests{0}; ///< bit mask of CPUs that are to park
    std::atomic<uint64_t> m_generation{0};    ///< grows with each resume
    arch::TrapFrame* m_frames[arch::max_cpus] = {};
    volatile bool m_is_parking[arch::max_cpus] = {}; ///< its own CPU's and its NMIs'
    std::atomic<uint64_t> m_overtaken{0};            ///< bit mask of CPUs that lost the race, and have not led since
    std::atomic<bool> m_is_urgent{false};            ///< see may_finish_with_locks()
    uint64_t m_missing = 0;
    bool m_reschedule = false;
    bool m_abandoned = false;
};

World& world();

} // namespace debug
