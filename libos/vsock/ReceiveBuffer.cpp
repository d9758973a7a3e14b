#include "libos/vsock/ReceiveBuffer.h"

#include "libos/base/Assert.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace vsock {

void ReceiveBuffer::swap(ReceiveBuffer& other) noexcept {
    std::swap(m_pages, other.m_pages);
    std::swap(m_frames, other.m_frames);
    std::swap(m_frame_count, other.m_frame_count);
    std::swap(m_read, other.m_read);
    std::swap(m_written, other.m_written);
}

ReceiveBuffer& ReceiveBuffer::operator=(ReceiveBuffer&& other) noexcept {
    ReceiveBuffer taken(std::move(other));
    swap(taken);
    return *this;
}

ReceiveBuffer::~ReceiveBuffer() {
    for (size_t i = 0; i < m_frame_count; ++i)
        m_pages->free_page(m_frames[i]);
    delete[] m_frames;
}

base::Result<ReceiveBuffer> ReceiveBuffer::create(memory::PageAllocator& pages, uint32_t size) {
    size_t count = (size_t{size} + frame_size - 1) / frame_size;
    ReceiveBuffer buffer;
    buffer.m_pages = &pages;
    buffer.m_frames = new (std::nothrow) memory::PhysicalAddress[count];
    if (buffer.m_frames == nullptr)
        return base::fail(base::Error::NoMemory);
    for (; buffer.m_frame_count < count; ++buffer.m_frame_count)
        buffer.m_frames[buffer.m_frame_count] = TRY(pages.allocate_page());
    return buffer;
}

std::span<std::byte> ReceiveBuffer::frame_run(uint64_t position, size_t length) const {
    size_t in_ring = position % capacity();
    size_t in_frame = in_ring % frame_size;
    auto* frame = static_cast<std::byte*>(m_pages->to_pointer(m_frames[in_ring / frame_size]));
    return {frame + in_frame, std::min(frame_size - in_frame, length)};
}

void ReceiveBuffer::put(std::span<const std::byte> bytes) {
    ASSERT(bytes.size() <= room());
    while (!bytes.empty()) {
        auto run = frame_run(m_written, bytes.size());
        std::memcpy(run.data(), bytes.data(), run.size());
        m_written += run.size();
        bytes = bytes.subspan(run.size());
    }
}

} // namespace vsock
