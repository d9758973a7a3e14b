#include "libos/fs/Readiness.h"

#include "libos/fs/OpenFile.h"

namespace fs {

namespace {

constinit sched::SpinLock g_lock; // a leaf but for the wait queue's; taken in interrupts too
constinit sched::WaitQueue g_waiters;
constinit uint64_t g_generation = 0;

} // namespace

void readiness_changed() {
    sched::SpinLocker locker(g_lock);
    ++g_generation;
    g_waiters.wake_all();
}

uint64_t readiness_generation() {
    sched::SpinLocker locker(g_lock);
    return g_generation;
}

base::Result<> wait_for_readiness(uint64_t generation, sched::Deadline deadline) {
    auto state = g_lock.lock();
    base::Result<> result;
    while (result && g_generation == generation)
        result = g_waiters.wait(g_lock, state, deadline);
    g_lock.unlock(state);
    return result;
}

} // namespace fs
