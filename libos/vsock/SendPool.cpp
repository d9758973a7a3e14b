#include "libos/vsock/SendPool.h"

#include <utility>

namespace vsock {

void SendBuffer::returned() {
    m_pool->give_back(*this);
}

base::Result<> SendPool::allocate(memory::PageAllocator& pages) {
    for (auto& buffer : m_buffers) {
        bool large = static_cast<size_t>(&buffer - m_buffers) < large_count;
        auto memory = large ? pages.allocate_adjacent_pages(large_size / small_size) : pages.allocate_zeroed_page();
        if (!memory)
            continue;
        buffer.m_pool = this;
        buffer.address = *memory;
        buffer.memory = static_cast<std::byte*>(pages.to_pointer(*memory));
        buffer.size = large ? large_size : small_size;
        give_back(buffer);
    }
    if (m_small == nullptr)
        return base::fail(base::Error::NoMemory);
    return {};
}

SendBuffer* SendPool::take(size_t wanted) {
    auto*& preferred = wanted <= small_size ? m_small : m_large;
    auto*& other = wanted <= small_size ? m_large : m_small;
    auto*& list = preferred != nullptr ? preferred : other;
    if (list == nullptr)
        return nullptr;
    return std::exchange(list, list->m_next);
}

void SendPool::give_back(SendBuffer& buffer) {
    auto*& list = buffer.size == large_size ? m_large : m_small;
    buffer.m_next = list;
    list = &buffer;
}

} // namespace vsock
