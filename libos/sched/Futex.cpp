#include "libos/sched/Futex.h"

#include "libos/sched/Scheduler.h"
#include "libos/trace/Events.h"

#include <arch/PageTable.h>
#include <atomic>

namespace sched {

namespace {

struct Waiter;

/// Waiters of all words whose addresses fall into this bucket, in order of arrival.
struct Bucket {
    SpinLock lock; // outside the scheduler's; two at a time only in address order
    Waiter* first = nullptr;
    Waiter* last = nullptr;
};

/// On the sleeping thread's stack; in a bucket until it is woken or gives up.
struct Waiter {
    uint64_t address;
    uint32_t bitset;
    bool queued;
    std::atomic<Bucket*> bucket;
    WaitQueue queue; ///< this one thread
    Waiter* next;
    Waiter* previous;
};

constexpr size_t bucket_count = 64;
constinit Bucket g_buckets[bucket_count];

Bucket& bucket_of(uint64_t address) {
    return g_buckets[(address >> 2 ^ address >> 12) % bucket_count];
}

void append(Bucket& bucket, Waiter& waiter) {
    waiter.next = nullptr;
    waiter.previous = bucket.last;
    (bucket.last != nullptr ? bucket.last->next : bucket.first) = &waiter;
    bucket.last = &waiter;
    waiter.queued = true;
    waiter.bucket.store(&bucket, std::memory_order_relaxed);
}

void remove(Bucket& bucket, Waiter& waiter) {
    (waiter.previous != nullptr ? waiter.previous->next : bucket.first) = waiter.next;
    (waiter.next != nullptr ? waiter.next->previous : bucket.last) = waiter.previous;
    waiter.queued = false;
}

bool is_aligned_app_word(uint64_t address) {
    return (address & 3) == 0 && address < arch::app_end;
}

unsigned wake_in(Bucket& bucket, uint64_t address, uint32_t count, uint32_t bitset) {
    unsigned woken = 0;
    for (Waiter *waiter = bucket.first, *next; waiter != nullptr && woken < count; waiter = next) {
        next = waiter->next;
        if (waiter->address != address || (waiter->bitset & bitset) == 0)
            continue;
        remove(bucket, *waiter);
        waiter->queue.wake_one(); // its stack stays valid until it got this bucket's lock
        ++woken;
    }
    return woken;
}

} // namespace

base::Result<> futex_wait(memory::UserAddress address, uint32_t value, uint32_t bitset, Deadline deadline) {
    if (!is_aligned_app_word(address) || bitset == 0)
        return base::fail(base::Error::Invalid);
    Waiter waiter{address, bitset, false, nullptr, {}, nullptr, nullptr};
    Bucket* bucket = &bucket_of(address);
    // The word is read inside the lock, where it may not be faulted in: so it is touched first, and the read under the
    // lock only fails if another thread unmapped it since.
    TRY(memory::read_user<uint32_t>(address));
    auto state = bucket->lock.lock();
    // acquire/seq_cst by the lock: a waker changes the word first and takes this lock second.
    auto page = arch::find_page(address);
    if (!page || !page->flags.readable) {
        bucket->lock.unlock(state);
        return base::fail(base::Error::Again);
    }
    auto* word = reinterpret_cast<std::atomic<uint32_t>*>(static_cast<char*>(arch::direct_map(page->frame)) +
                                                          (address & (arch::page_size - 1)));
    if (word->load(std::memory_order_seq_cst) != value) {
        bucket->lock.unlock(state);
        return base::fail(base::Error::Again);
    }
    append(*bucket, waiter);
    trace::futex_wait(address, value);
    Thread& thread = current_thread();
    thread.futex_address = address;
    base::Result<> result;
    while (waiter.queued) {
        thread.wait_reason = WaitReason::Futex;
        result = waiter.queue.wait(bucket->lock, state, deadline);
        // A requeue may have moved the waiter while it slept: its bucket's lock is the one that counts.
        while (waiter.bucket.load(std::memory_order_relaxed) != bucket) {
            bucket->lock.unlock(state);
            bucket = waiter.bucket.load(std::memory_order_relaxed);
            state = bucket->lock.lock();
        }
        if (!result && waiter.queued) {
            remove(*bucket, waiter);
            break;
        }
        if (!waiter.queued)
            result = {}; // woken, even if a signal or the deadline came at the same moment
    }
    thread.futex_address = 0;
    trace::futex_wait_exit(address, result ? 0 : static_cast<int>(result.error()));
    bucket->lock.unlock(state);
    return result;
}

unsigned futex_wake(memory::UserAddress address, uint32_t count, uint32_t bitset) {
    Bucket& bucket = bucket_of(address);
    SpinLocker locker(bucket.lock);
    unsigned woken = wake_in(bucket, address, count, bitset);
    trace::futex_wake(address, count, woken);
    return woken;
}

base::Result<uint64_t> futex_requeue(memory::UserAddress address, uint32_t wake, uint32_t requeue,
                                     memory::UserAddress target, bool check, uint32_t value) {
    if (!is_aligned_app_word(address) || !is_aligned_app_word(target))
        return base::fail(base::Error::Invalid);
    if (check && TRY(memory::read_user<uint32_t>(address)) != value)
        return base::fail(base::Error::Again);
    Bucket& from = bucket_of(address);
    Bucket& to = bucket_of(target);
    Bucket& first = &from < &to ? from : to;
    Bucket& second = &from < &to ? to : from;
    SpinLocker first_locker(first.lock);
    auto state = &first != &second ? second.lock.lock() : arch::disable_interrupts();
    uint64_t moved = wake_in(from, address, wake, UINT32_MAX);
    uint32_t requeued = 0;
    // Same bucket: the waiters that were moved stand behind `end`, and the walk stops there.
    Waiter* end = from.last;
    for (Waiter *waiter = from.first, *next; waiter != nullptr && requeued < requeue; waiter = next) {
        bool is_end = waiter == end;
        next = is_end ? nullptr : waiter->next;
        if (waiter->address != address)
            continue;
        remove(from, *waiter);
        waiter->address = target;
        append(to, *waiter);
        ++requeued;
    }
    if (&first != &second)
        second.lock.unlock(state);
    return moved + requeued;
}

base::Result<uint64_t> futex_wake_op(memory::UserAddress address, uint32_t wake, memory::UserAddress second,
                                     uint32_t wake_second, uint32_t operation) {
    if (!is_aligned_app_word(address) || !is_aligned_app_word(second))
        return base::fail(base::Error::Invalid);
    unsigned kind = (operation >> 28) & 7;
    unsigned comparison = (operation >> 24) & 15;
    auto signed12 = [](uint32_t v) { return static_cast<int32_t>(v << 20) >> 20; };
    int32_t argument = signed12(operation >> 12);
    int32_t reference = signed12(operation);
    if ((operation & 0x80000000) != 0)
        argument = static_cast<int32_t>(1u << (argument & 31));
    // Faults the word in, writable, by writing it back; the exchange below then works on its frame.
    uint32_t seen = TRY(memory::read_user<uint32_t>(second));
    auto page = arch::find_page(second);
    if (!page || !page->flags.writable) {
        TRY(memory::write_user(second, seen));
        page = arch::find_page(second);
        if (!page)
            return base::fail(base::Error::Fault);
    }
    auto& word = *reinterpret_cast<std::atomic<uint32_t>*>(static_cast<char*>(arch::direct_map(page->frame)) +
                                                           (second & (arch::page_size - 1)));
    auto operand = static_cast<uint32_t>(argument);
    uint32_t old = 0;
    switch (kind) {
    case 0:
        old = word.exchange(operand);
        break;
    case 1:
        old = word.fetch_add(operand);
        break;
    case 2:
        old = word.fetch_or(operand);
        break;
    case 3:
        old = word.fetch_and(~operand);
        break;
    case 4:
        old = word.fetch_xor(operand);
        break;
    default:
        return base::fail(base::Error::NoSystemCall);
    }
    auto value = static_cast<int32_t>(old);
    bool holds = comparison == 0   ? value == reference
                 : comparison == 1 ? value != reference
                 : comparison == 2 ? value < reference
                 : comparison == 3 ? value <= reference
                 : comparison == 4 ? value > reference
                                   : value >= reference;
    uint64_t woken = futex_wake(address, wake, UINT32_MAX);
    if (holds)
        woken += futex_wake(second, wake_second, UINT32_MAX);
    return woken;
}

} // namespace sched
