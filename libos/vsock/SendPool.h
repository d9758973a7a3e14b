#pragma once
// What the device reads packets' payloads from: Payload, memory that it has for a while, and SendPool, the bounce
// buffers that the app's sockets share.
//
// All under the protocol's lock; allocation at start-up.

#include "libos/base/Result.h"
#include "libos/memory/PageAllocator.h"

#include <cstddef>
#include <cstdint>

namespace vsock {

class Payload {
public:
    /// The device has given back the last of its packets. Under the lock.
    virtual void returned() = 0;
    unsigned in_flight = 0; ///< packets

protected:
    constexpr Payload() = default;
    ~Payload() = default;
};

class SendPool;

class SendBuffer final : public Payload {
public:
    void returned() override;

    memory::PhysicalAddress address = 0;
    std::byte* memory = nullptr;
    uint32_t size = 0;

private:
    friend class SendPool;
    SendPool* m_pool = nullptr;
    SendBuffer* m_next = nullptr;
};

class SendPool {
public:
    /// Large enough for the largest packet, so that bulk data makes few; small ones for what is written in pieces.
    static constexpr unsigned large_count = 8;
    static constexpr unsigned small_count = 16;
    static constexpr uint32_t large_size = 64 * 1024;
    static constexpr uint32_t small_size = 4096;

    /// As many as there is memory for. Error::NoMemory when there is not even a small one.
    base::Result<> allocate(memory::PageAllocator& pages);
    /// One of the size for `wanted` bytes if there is one, else of the other; nullptr when all are in use.
    SendBuffer* take(size_t wanted);
    void give_back(SendBuffer& buffer);

private:
    SendBuffer m_buffers[large_count + small_count];
    SendBuffer* m_large = nullptr;
    SendBuffer* m_small = nullptr;
};

} // namespace vsock
