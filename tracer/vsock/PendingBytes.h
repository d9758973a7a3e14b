#pragma once
// PendingBytes: a bounded ring of bytes, for what a slow reader has not taken yet.

#include "tracer/vsock/Scatter.h"

#include <array>
#include <memory>

namespace tracer::vsock {

/// Holds at most `capacity` bytes; takes memory with the first of them, and gives it back by release().
class PendingBytes {
public:
    explicit PendingBytes(size_t capacity)
        : m_capacity(capacity) {}

    size_t size() const { return m_size; }
    bool is_empty() const { return m_size == 0; }
    size_t capacity() const { return m_capacity; }

    /// Appends all of `parts`, which fit.
    void append(Parts parts) {
        if (!m_bytes)
            m_bytes = std::make_unique_for_overwrite<std::byte[]>(m_capacity);
        for (const iovec& part : parts) {
            const auto* from = static_cast<const std::byte*>(part.iov_base);
            for (size_t left = part.iov_len; left != 0;) {
                const size_t end = (m_start + m_size) % m_capacity;
                const size_t portion = std::min(left, m_capacity - end);
                std::memcpy(m_bytes.get() + end, from, portion);
                m_size += portion;
                from += portion;
                left -= portion;
            }
        }
    }

    /// What is there, oldest first; the second piece may be empty.
    std::array<iovec, 2> parts() const {
        const size_t first = std::min(m_size, m_capacity - m_start);
        return {iovec{m_bytes.get() + m_start, first}, iovec{m_bytes.get(), m_size - first}};
    }

    /// Forgets the oldest `count` bytes.
    void consume(size_t count) {
        m_start = (m_start + count) % m_capacity;
        m_size -= count;
        if (m_size == 0)
            m_start = 0;
    }

    void release() {
        m_bytes.reset();
        m_start = 0;
        m_size = 0;
    }

private:
    size_t m_capacity;
    std::unique_ptr<std::byte[]> m_bytes;
    size_t m_start = 0;
    size_t m_size = 0;
};

} // namespace tracer::vsock
