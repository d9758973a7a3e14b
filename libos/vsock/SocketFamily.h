#pragma once
// SocketFamily: makes the app's AF_VSOCK sockets, and bounds the memory that their receive buffers take.

#include "libos/fs/Services.h"
#include "libos/vsock/Engine.h"

#include <atomic>

namespace vsock {

/// Frames of another allocator, a bounded number of them.
class BoundedFrames final : public memory::PageAllocator {
public:
    BoundedFrames(memory::PageAllocator& pages, uint64_t limit)
        : m_pages(pages)
        , m_limit(limit) {}

    base::Result<memory::PhysicalAddress> allocate_zeroed_page() override;
    base::Result<memory::PhysicalAddress> allocate_page() override;
    void free_page(memory::PhysicalAddress page) override;
    void* to_pointer(memory::PhysicalAddress page) override { return m_pages.to_pointer(page); }
    /// Others may take them meanwhile.
    uint64_t left() const;

private:
    template <typename Allocate>
    base::Result<memory::PhysicalAddress> count(Allocate allocate);

    memory::PageAllocator& m_pages;
    const uint64_t m_limit;
    std::atomic<uint64_t> m_used{0};
};

class SocketFamily final : public fs::SocketSource {
public:
    /// More is not given to one connection, whatever SO_VM_SOCKETS_BUFFER_SIZE says.
    static constexpr uint32_t max_buffer = 4u << 20;

    /// `frame_limit`: frames for all receive buffers together. The engine outlives the family, which lives for ever.
    SocketFamily(Engine& engine, uint64_t frame_limit)
        : m_engine(engine)
        , m_frames(engine.pages(), frame_limit) {}

    base::Result<base::Reference<fs::OpenFile>> create(int family, int type, int protocol, int flags) override;
    base::Result<uint32_t> vsock_cid() override { return static_cast<uint32_t>(m_engine.local_cid()); }

    Engine& engine() { return m_engine; }
    /// A receive buffer of `wanted` bytes, or less where memory is short: a frame is kept for each connection that may
    /// still come, and one gets at most a quarter of what is left beside those. Error::NoBuffers.
    base::Result<ReceiveBuffer> make_buffer(uint64_t wanted);

private:
    Engine& m_engine;
    BoundedFrames m_frames;
};

} // namespace vsock
