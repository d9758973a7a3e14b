#include "libos/signal/SignalQueue.h"

#include <bit>

namespace signal {

namespace {

/// Linux delivers these first: kernel/signal.c, SYNCHRONOUS_MASK.
constexpr Set by_fault = bit(Segv) | bit(Bus) | bit(Illegal) | bit(Trap) | bit(FloatingPoint) | bit(BadSystemCall);

} // namespace

SignalPool::Node* SignalPool::take(const Info& info) {
    size_t& used = is_timers(info) ? m_used_by_timers : m_used_by_senders;
    if (used == (is_timers(info) ? for_timers : for_senders))
        return nullptr;
    ++used;
    Node* node = m_free;
    if (node != nullptr)
        m_free = node->next;
    else
        node = &m_nodes[m_fresh++];
    *node = {info, nullptr};
    return node;
}

void SignalPool::give_back(Node& node) {
    --(is_timers(node.info) ? m_used_by_timers : m_used_by_senders);
    node.next = m_free;
    m_free = &node;
}

bool SignalQueue::add(SignalPool& pool, const Info& info) {
    bool is_standard = info.number < first_real_time;
    if (is_standard && (m_pending & bit(info.number)) != 0)
        return true;
    SignalPool::Node* node = pool.take(info);
    if (node == nullptr && !is_standard && info.code != SentByKill)
        return false;
    m_pending |= bit(info.number);
    if (node == nullptr)
        return true;
    (m_last != nullptr ? m_last->next : m_first) = node;
    m_last = node;
    return true;
}

int SignalQueue::take(SignalPool& pool, Set among, Info& out) {
    Set candidates = m_pending & among;
    if (candidates == 0)
        return 0;
    if ((candidates & by_fault) != 0)
        candidates &= by_fault;
    int number = std::countr_zero(candidates) + 1;
    out = {.number = number};
    SignalPool::Node* previous = nullptr;
    for (auto* node = m_first; node != nullptr; previous = node, node = node->next) {
        if (node->info.number != number)
            continue;
        out = node->info;
        remove(pool, previous, *node);
        break;
    }
    if (!has_node(number))
        m_pending &= ~bit(number);
    return number;
}

void SignalQueue::remove_of_timer(SignalPool& pool, uint32_t id) {
    SignalPool::Node* previous = nullptr;
    for (auto* node = m_first; node != nullptr;) {
        auto* next = node->next;
        if (node->info.code != SentByTimer || static_cast<uint32_t>(node->info.address_or_sender) != id) {
            previous = node;
        } else {
            int number = node->info.number;
            remove(pool, previous, *node);
            if (!has_node(number))
                m_pending &= ~bit(number);
        }
        node = next;
    }
}

void SignalQueue::remove(SignalPool& pool, SignalPool::Node* previous, SignalPool::Node& node) {
    (previous != nullptr ? previous->next : m_first) = node.next;
    if (m_last == &node)
        m_last = previous;
    pool.give_back(node);
}

bool SignalQueue::has_node(int number) const {
    for (auto* node = m_first; node != nullptr; node = node->next) {
        if (node->info.number == number)
            return true;
    }
    return false;
}

} // namespace signal
