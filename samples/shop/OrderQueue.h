#pragma once
// OrderQueue: orders between the front desk and the workers, first in, first out, bounded.
// Any thread may call anything.

#include "samples/shop/Order.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>

namespace shop {

class OrderQueue {
public:
    explicit OrderQueue(size_t capacity)
        : m_capacity(capacity) {}

    /// Waits while the queue is full.
    void put(const Order& order);

    /// Waits for an order; nothing when the queue is closed and empty.
    std::optional<Order> take();

    /// No more orders come: the workers finish what is there and go home.
    void close();

    /// Waits until the queue is closed, at most until `deadline`; whether it is.
    bool is_closed_by(std::chrono::steady_clock::time_point deadline);

    size_t size() const;

private:
    size_t m_capacity;
    mutable std::mutex m_lock;
    std::condition_variable m_not_empty;
    std::condition_variable m_not_full;
    std::condition_variable m_was_closed;
    std::deque<Order> m_orders;
    bool m_closed = false;
};

} // namespace shop
