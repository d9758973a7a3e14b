#include "samples/shop/OrderQueue.h"

namespace shop {

void OrderQueue::put(const Order& order) {
    std::unique_lock lock(m_lock);
    m_not_full.wait(lock, [&] { return m_orders.size() < m_capacity; });
    m_orders.push_back(order);
    m_not_empty.notify_one();
}

std::optional<Order> OrderQueue::take() {
    std::unique_lock lock(m_lock);
    m_not_empty.wait(lock, [&] { return !m_orders.empty() || m_closed; });
    if (m_orders.empty())
        return std::nullopt;
    Order order = m_orders.front();
    m_orders.pop_front();
    m_not_full.notify_one();
    return order;
}

void OrderQueue::close() {
    std::lock_guard lock(m_lock);
    m_closed = true;
    m_not_empty.notify_all();
    m_was_closed.notify_all();
}

bool OrderQueue::is_closed_by(std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(m_lock);
    return m_was_closed.wait_until(lock, deadline, [&] { return m_closed; });
}

size_t OrderQueue::size() const {
    std::lock_guard lock(m_lock);
    return m_orders.size();
}

} // namespace shop
