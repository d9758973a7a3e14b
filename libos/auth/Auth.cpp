#include "libos/auth/Auth.h"

#include "libos/auth/BearsslPrimitives.h"
#include "libos/memory/PhysicalMemory.h"
#include "libos/sched/Clock.h"
#include "libos/sched/Scheduler.h"

#include <arch/Entropy.h>
#include <arch/Processor.h>

namespace auth {

namespace {

constinit RandomPool g_random({arch::hardware_random, [] { return arch::timestamp(); }});
constinit BearsslPrimitives g_primitives(g_random);

/// The thread that calls GuardedChannel::advance().
struct Worker {
    static constexpr size_t max_channels = 32;

    sched::SpinLock lock; // outside the scheduler's
    sched::WaitQueue events;
    GuardedChannel* due[max_channels] = {};
    size_t due_count = 0;

    void add(GuardedChannel& channel) {
        {
            sched::SpinLocker locker(lock);
            for (size_t i = 0; i < due_count; ++i) {
                if (due[i] == &channel)
                    return;
            }
            ASSERT(due_count < max_channels);
            due[due_count++] = &channel;
        }
        events.wake_one();
    }

    GuardedChannel& next() {
        auto state = lock.lock();
        while (due_count == 0)
            (void)events.wait(lock, state);
        GuardedChannel& channel = *due[0];
        for (size_t i = 1; i < due_count; ++i)
            due[i - 1] = due[i];
        --due_count;
        lock.unlock(state);
        return channel;
    }
};
constinit Worker g_worker;

} // namespace

constinit Gate g_gate(g_primitives, sched::boottime_ns);

/// As soon as there are random numbers.
static void name_instance() {
    if (g_gate.identity.instance_id == decltype(g_gate.identity.instance_id){})
        (void)g_random.fill(g_gate.identity.instance_id);
}

void open_to_all() {
    g_gate.open = true;
}

unsigned configure(const Options& options) {
    g_gate.identity.build_id = options.build_id;
    g_gate.pages = &memory::physical_memory();
    unsigned bad = 0;
    for (std::string_view word : options.key_words)
        bad += !g_gate.keys.add_word(word);
    g_random.seed_from_cpu();
    name_instance();
    return bad;
}

KeyRing::FileReport enroll_file(std::string_view text_untrusted) {
    return g_gate.keys.add_file(text_untrusted);
}

bool wants_entropy() {
    return !g_gate.is_closed();
}

void add_entropy(Bytes bytes) {
    g_random.seed(bytes);
    name_instance();
}

void start_worker() {
    if (g_gate.is_closed())
        return; // nobody will shake hands
    auto run = [](void*) {
        for (;;)
            g_worker.next().advance();
    };
    if (auto thread = sched::Thread::create_kernel("auth", run, nullptr)) {
        g_gate.work_due = [](GuardedChannel& channel) { g_worker.add(channel); };
        sched::scheduler().start(**thread);
    }
}

} // namespace auth
