// sched/WaitQueue.h for hosted tests, on real threads. One condition for all queues: wake-ups may be spurious anyway.
#include "libos/sched/WaitQueue.h"

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>

namespace sched {

namespace {

struct Waiters {
    unsigned count = 0;
    uint64_t wakes = 0;
};

std::mutex g_mutex;
std::condition_variable g_condition;
std::map<const WaitQueue*, Waiters> g_waiters; // only queues that somebody waits in

unsigned wake(const WaitQueue* queue) {
    std::lock_guard guard(g_mutex);
    auto found = g_waiters.find(queue);
    if (found == g_waiters.end())
        return 0;
    ++found->second.wakes;
    g_condition.notify_all();
    return found->second.count;
}

} // namespace

base::Result<> WaitQueue::wait(SpinLock& lock, arch::InterruptState& state, Deadline deadline) {
    std::unique_lock guard(g_mutex);
    auto& waiters = g_waiters[this];
    ++waiters.count;
    auto wakes = waiters.wakes;
    lock.unlock(state);
    auto woken = [&] { return waiters.wakes != wakes; };
    auto in_time = true;
    if (deadline == no_deadline)
        g_condition.wait(guard, woken);
    else
        in_time = g_condition.wait_until(
            guard, std::chrono::steady_clock::time_point(std::chrono::nanoseconds(deadline)), woken);
    if (--waiters.count == 0)
        g_waiters.erase(this);
    guard.unlock();
    state = lock.lock();
    if (!in_time)
        return base::fail(base::Error::TimedOut);
    return {};
}

unsigned WaitQueue::wake_one() {
    return wake(this);
}
unsigned WaitQueue::wake_all() {
    return wake(this);
}

} // namespace sched
