#pragma once
// SignalQueue: the signals that wait for a thread, or for any thread of the process, and what is told of each.
//
// Costs a set while nothing waits; what is told of a signal lies in a pool that all queues share. Whoever owns the
// queues guards them and the pool by one lock; pending() may be read without it.

#include "libos/signal/SignalState.h"

#include <cstddef>
#include <cstdint>

namespace signal {

class SignalPool {
public:
    struct Node {
        Info info;
        Node* next = nullptr;
    };
    /// Linux' RLIMIT_SIGPENDING. Timers have places of their own, so that none of theirs is lost.
    static constexpr size_t for_senders = 64;
    static constexpr size_t for_timers = 64;

    constexpr SignalPool() = default;
    SignalPool(const SignalPool&) = delete;
    SignalPool& operator=(const SignalPool&) = delete;

    /// One that holds `info`; nullptr when all of its kind are in use.
    Node* take(const Info& info);
    void give_back(Node& node);

private:
    static bool is_timers(const Info& info) { return info.code == SentByTimer; }

    Node m_nodes[for_senders + for_timers] = {};
    size_t m_fresh = 0; ///< nodes from here on were never used
    Node* m_free = nullptr;
    size_t m_used_by_senders = 0;
    size_t m_used_by_timers = 0;
};

class SignalQueue {
public:
    constexpr SignalQueue() = default;
    SignalQueue(const SignalQueue&) = delete;
    SignalQueue& operator=(const SignalQueue&) = delete;

    Set pending() const { return m_pending; }

    /// False: the pool has no place, and the signal is one whose sender counts on its value (a real-time one, not sent
    /// by kill). Any other then waits without its Info, as on Linux.
    [[nodiscard]] bool add(SignalPool& pool, const Info& info);

    /// The next of those `among`: one that a fault makes, else the lowest number, of equals the oldest. Its number; 0
    /// without any.
    int take(SignalPool& pool, Set among, Info& out);

    /// Takes out what the timer `id` has sent.
    void remove_of_timer(SignalPool& pool, uint32_t id);

private:
    bool has_node(int number) const;
    /// Takes out the node behind `previous`, which is nullptr before the first.
    void remove(SignalPool& pool, SignalPool::Node* previous, SignalPool::Node& node);

    Set m_pending = 0;
    SignalPool::Node* m_first = nullptr;
    SignalPool::Node* m_last = nullptr;
};

} // namespace signal
