#pragma once
// ReceiveBuffer: a ring of bytes in frames of its own: as large as the credit that the peer was given for it, so what
// the peer may send always fits.
//
// One puts, one takes. put(), advance() and the counts are under the owner's lock; run_at() of what the counts gave the
// taker needs none, so it copies to the app without one.

#include "libos/base/Result.h"
#include "libos/memory/PageAllocator.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace vsock {

class ReceiveBuffer {
public:
    constexpr ReceiveBuffer() = default; // no room
    ReceiveBuffer(ReceiveBuffer&& other) noexcept { swap(other); }
    ReceiveBuffer& operator=(ReceiveBuffer&& other) noexcept;
    ~ReceiveBuffer();

    /// `size` is rounded up to whole frames. Thread context. Error::NoMemory.
    static base::Result<ReceiveBuffer> create(memory::PageAllocator& pages, uint32_t size);

    uint32_t capacity() const { return static_cast<uint32_t>(m_frame_count * frame_size); }
    uint32_t size() const { return static_cast<uint32_t>(m_written - m_read); }
    uint32_t room() const { return capacity() - size(); }

    /// At most room() bytes.
    void put(std::span<const std::byte> bytes);
    /// Where the next byte to take lies, for run_at().
    uint64_t position() const { return m_read; }
    /// What is adjacent in memory from `position` on, at most `length` bytes. [position, position + length) is in the
    /// buffer.
    std::span<const std::byte> run_at(uint64_t position, size_t length) const { return frame_run(position, length); }
    /// Takes `count` bytes out, at most size().
    void advance(size_t count) { m_read += count; }
    void clear() { m_read = m_written = 0; }

private:
    static constexpr size_t frame_size = 4096;

    std::span<std::byte> frame_run(uint64_t position, size_t length) const;
    void swap(ReceiveBuffer& other) noexcept;

    memory::PageAllocator* m_pages = nullptr;
    memory::PhysicalAddress* m_frames = nullptr;
    size_t m_frame_count = 0;
    uint64_t m_read = 0; // bytes ever taken; position in the ring modulo the capacity
    uint64_t m_written = 0;
};

} // namespace vsock
