#include "libos/debug/World.h"

#include "libos/debug/WatchPoints.h"
#include "libos/sched/Clock.h"
#include "libos/sched/Scheduler.h"

#include <arch/Debug.h>
#include <arch/Fpu.h>
#include <arch/LocalApic.h>
#include <arch/PageTable.h>
#include <arch/Processor.h>
#include <arch/Switch.h>

namespace debug {

namespace {

constinit World g_world;

// With more virtual CPUs than real ones an NMI took up to 67 ms to arrive; a CPU that needs longer than this is gone.
constexpr uint64_t rendezvous_limit_ns = 2'000'000'000;
constexpr uint64_t nmi_retry_ns = 100'000'000;
// An NMI this long after the last one that this kernel sent to the CPU is somebody else's.
constexpr uint64_t stray_nmi_limit_ns = 300'000'000;
constexpr uint64_t retry_ns = 1'000'000;
constexpr uint64_t give_way_limit_ns = 10'000'000;

void save_vector_state() {
    if (auto* thread = arch::this_cpu().current; thread != nullptr && thread->fpu_state != nullptr)
        arch::save_fpu(thread->fpu_state);
}

void restore_vector_state() {
    if (auto* thread = arch::this_cpu().current; thread != nullptr && thread->fpu_state != nullptr)
        arch::restore_fpu(thread->fpu_state);
}

} // namespace

World& world() {
    return g_world;
}

void World::give_way() {
    uint64_t bit = uint64_t{1} << arch::this_cpu().index;
    uint64_t overtaken = m_overtaken.load(std::memory_order_relaxed);
    if (overtaken == 0 || (overtaken & bit) != 0)
        return;
    // What they had to tell may be gone: the bits of those that do not come are cleared.
    uint64_t started = sched::boottime_ns();
    while (!is_stopped() && (m_overtaken.load(std::memory_order_relaxed) & overtaken) == overtaken) {
        if (sched::boottime_ns() - started > give_way_limit_ns)
            m_overtaken.fetch_and(~overtaken, std::memory_order_relaxed);
        arch::relax();
    }
}

bool World::stop(arch::TrapFrame& frame) {
    auto& self = arch::this_cpu();
    uint64_t bit = uint64_t{1} << self.index;
    uint32_t nobody = 0;
    if (!m_leader.compare_exchange_strong(nobody, self.index + 1)) {
        m_overtaken.fetch_or(bit, std::memory_order_relaxed);
        // The leader wants this CPU too: obey as if its NMI were here. It may come twice, which does nothing.
        park(frame);
        return false;
    }
    m_overtaken.fetch_and(~bit, std::memory_order_relaxed);
    m_frames[self.index] = &frame;
    m_missing = 0;
    // Before the requests below. What this CPU holds another may wait for, with a lock of its own.
    m_is_urgent.store(arch::holds_spin_lock(), std::memory_order_relaxed);
    uint64_t wanted = 0;
    for (uint32_t i = 0; i < arch::cpu_count(); ++i) {
        if (i != self.index && arch::cpu(i).online.load()) { // see join()
            wanted |= uint64_t{1} << i;
            m_frames[i] = nullptr;
        }
    }
    // release: a CPU that sees its bit sees this leader and generation.
    m_park_requests.store(wanted, std::memory_order_release);
    uint64_t started = sched::boottime_ns();
    uint64_t sent = 0;
    for (uint32_t i = 0; i < arch::cpu_count(); ++i) {
        if ((wanted >> i & 1) == 0)
            continue;
        // acquire: its registers are in place when it says that it is parked.
        while (!arch::cpu(i).parked.load(std::memory_order_acquire)) {
            uint64_t now = sched::boottime_ns();
            if (sent == 0 || now - sent > nmi_retry_ns) {
                if (sent != 0)
                    m_is_urgent.store(true, std::memory_order_relaxed); // seen by the NMI, or by the next one
                for (uint32_t j = i; j < arch::cpu_count(); ++j) {
                    if ((wanted >> j & 1) != 0 && !arch::cpu(j).parked.load(std::memory_order_relaxed))
                        arch::send_nmi(j);
                }
                sent = now;
            }
            if (now - started > rendezvous_limit_ns) {
                m_missing |= uint64_t{1} << i;
                break;
            }
            arch::relax();
        }
    }
    save_vector_state();
    arch::disable_watch_points();
    return true;
}

void World::join() {
    // Sequentially consistent, as the store of `online` before it and the leader's exchange before its look at
    // `online`: either the leader sees this CPU and parks it by NMI, now or in this loop, or this CPU sees the leader.
    while (m_leader.load() != 0)
        arch::relax();
    watch_points().apply();
}

void World::resume() {
    if (m_abandoned)
        return;
    bool reschedule = m_reschedule;
    restore_vector_state();
    watch_points().apply();
    m_park_requests.store(0, std::memory_order_relaxed);
    // release: what was done to the world while it was stopped is seen by those that leave their halt.
    m_generation.fetch_add(1, std::memory_order_release);
    for (uint32_t i = 0; i < arch::cpu_count(); ++i) {
        uint64_t sent = 0;
        if (i == arch::this_cpu().index || !arch::cpu(i).online.load(std::memory_order_relaxed))
            continue;
        while (arch::cpu(i).parked.load(std::memory_order_acquire)) {
            // An NMI ends the halt. One that comes between the CPU's look and its halt is lost: so again and again.
            uint64_t now = sched::boottime_ns();
            if (now - sent > retry_ns) {
                arch::send_nmi(i);
                sent = now;
            }
            arch::relax();
        }
    }
    m_reschedule = false;
    m_leader.store(0, std::memory_order_release);
    if (reschedule) {
        arch::this_cpu().reschedule.store(true, std::memory_order_relaxed);
        for (uint32_t i = 0; i < arch::cpu_count(); ++i) {
            if (arch::cpu(i).online.load(std::memory_order_relaxed)) {
                arch::cpu(i).reschedule.store(true, std::memory_order_relaxed);
                arch::send_interrupt(i, arch::reschedule_vector);
            }
        }
    }
}

void World::park(arch::TrapFrame& frame) {
    auto& self = arch::this_cpu();
    uint64_t bit = uint64_t{1} << self.index;
    uint64_t generation = m_generation.load(std::memory_order_acquire);
    // From here on an NMI that wants the same finds it under way: parked by it, this CPU would park a second time after
    // the stop, which nobody ends.
    bool was_parking = m_is_parking[self.index];
    m_is_parking[self.index] = true;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    // A loser of the race for the lead comes here before its bit is set: it waits for the bit, or for the end of the
    // stop.
    bool is_over = false;
    while (!is_over && (m_park_requests.load(std::memory_order_acquire) & bit) == 0) {
        is_over = m_leader.load(std::memory_order_acquire) == 0;
        arch::relax();
    }
    if (is_over || m_generation.load(std::memory_order_acquire) != generation) {
        m_is_parking[self.index] = was_parking;
        return;
    }
    save_vector_state();
    arch::disable_watch_points();
    m_frames[self.index] = &frame;
    self.parked.store(true, std::memory_order_release);
    while (m_generation.load(std::memory_order_acquire) == generation)
        arch::halt();
    m_frames[self.index] = nullptr;
    arch::flush_all_pages();
    restore_vector_state();
    watch_points().apply();
    if (m_reschedule) {
        // Its thread may be held: not one instruction of the app comes before this interrupt.
        self.reschedule.store(true, std::memory_order_relaxed);
        arch::send_interrupt(self.index, arch::reschedule_vector);
    }
    // release: after this the leader, and requesters, count on this CPU again.
    self.parked.store(false, std::memory_order_release);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    m_is_parking[self.index] = was_parking;
}

bool World::handle_nmi(arch::TrapFrame& frame) {
    auto& self = arch::this_cpu();
    if ((m_park_requests.load(std::memory_order_acquire) >> self.index & 1) == 0 || m_is_parking[self.index]) {
        // The end of a halt on another stack than the NMI's, a wake-up that came after the CPU had seen for itself, or
        // a request that it has seen for itself.
        return is_own_nmi();
    }
    arch::end_nmi_blocking();
    park(frame);
    return true;
}

bool World::is_own_nmi() const {
    const auto& self = arch::this_cpu();
    if ((m_park_requests.load(std::memory_order_acquire) >> self.index & 1) != 0)
        return true;
    uint64_t sent = self.nmi_sent.load(std::memory_order_relaxed);
    return sched::duration_ns(arch::timestamp() - sent) < stray_nmi_limit_ns;
}

bool World::is_at_rest() const {
    for (uint32_t i = 0; i < arch::cpu_count(); ++i) {
        if (!arch::cpu(i).online.load(std::memory_order_relaxed))
            continue;
        if (m_frames[i] == nullptr || arch::cpu(i).spin_locks != 0)
            return false;
    }
    return true;
}

arch::TrapFrame* World::running_frame_of(const sched::Thread& thread) const {
    for (uint32_t i = 0; i < arch::cpu_count(); ++i) {
        if (arch::cpu(i).current == &thread)
            return m_frames[i];
    }
    return nullptr;
}

arch::TrapFrame* World::app_frame_of(sched::Thread& thread) const {
    if (auto* frame = running_frame_of(thread); frame != nullptr && frame->from_app())
        return frame;
    return &thread.app_frame();
}

} // namespace debug
