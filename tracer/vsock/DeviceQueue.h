#pragma once
// DeviceQueue: the device's side of one split virtqueue that lies in another process' memory.
// Virtual I/O Device 1.2, 2.7 "Split Virtqueues", with indirect descriptors (2.7.5.3) and event index (2.7.10).
//
// Everything in the rings is the guest's and untrusted. A descriptor is copied once, then checked, then used; a chain
// is no longer than the queue; every range is translated whole by the MemoryTable. A queue whose guest breaks a rule is
// broken until it is started anew: it touches nothing more, and says once why.
//
// Memory order: the guest's CPUs are other threads. What the guest wrote to descriptors and buffers is seen after the
// load-acquire of the available index; what was written to buffers is published by the store-release of the used index.
// Both notification rules are store-load patterns: a full fence stands between storing the used index and reading
// whether the guest wants to hear of it, and between asking for kicks and looking at the available index once more.
//
// Cost: no allocation once the vectors of a Chain have grown.

#include "tracer/vsock/MemoryTable.h"

#include <cstdint>
#include <vector>

namespace tracer::vsock {

/// Not thread-safe; the MemoryTable outlives start() to stop().
class DeviceQueue {
public:
    struct Setup {
        RingAddresses addresses; ///< the front-end's
        uint32_t size = 0;       ///< a power of two
        uint16_t next_available = 0;
        bool event_index = false; ///< negotiated VIRTIO_F_EVENT_IDX
        bool indirect = false;    ///< negotiated VIRTIO_F_INDIRECT_DESC
    };

    /// One buffer of the guest: what it lets the device read, then what it lets it write.
    struct Chain {
        uint16_t head = 0;
        std::vector<iovec> parts;
        size_t readable_parts = 0;
        size_t readable_size = 0; ///< bytes
        size_t writable_size = 0;

        Parts readable() const { return Parts(parts).first(readable_parts); }
        Parts writable() const { return Parts(parts).subspan(readable_parts); }
    };

    /// From here on the queue works. An error when a ring does not lie in the memory or is misaligned.
    Result<> start(const MemoryTable& memory, const Setup& setup);
    void stop() { m_running = false; }
    /// The memory table has been replaced.
    Result<> remap(const MemoryTable& memory);
    /// Started, not stopped, not broken.
    bool is_running() const { return m_running; }
    /// Index of the next entry of the available ring; what GET_VRING_BASE answers.
    uint16_t next_available() const { return m_next_available; }

    /// Nothing has been in the queue since it was started.
    bool is_unused() const { return m_running && m_next_available == m_setup.next_available && is_empty(); }

    /// The guest's next buffer into `chain`; false when there is none. An error breaks the queue.
    Result<bool> pop(Chain& chain);
    /// Puts the last `count` popped buffers back, unused.
    void unpop(uint16_t count) { m_next_available = static_cast<uint16_t>(m_next_available - count); }
    /// Gives a buffer back, with what was written to it. The guest sees it, and hears of it only by needs_call().
    void push(uint16_t head, uint32_t written);

    /// After push(): whether the guest wants an interrupt. Asking counts as having sent it.
    bool needs_call();
    /// The interrupt now goes another way, and whoever waits there has heard of nothing yet.
    void forget_calls() { m_call_valid = false; }

    /// A hint to the guest, which may kick all the same.
    void disable_kicks();
    /// True when buffers have come meanwhile: take them, for no kick will tell.
    bool enable_kicks();

private:
    struct Descriptor {
        uint64_t address;
        uint32_t length;
        uint16_t flags;
        uint16_t next;
    };
    static_assert(sizeof(Descriptor) == 16);

    Result<> translate(const MemoryTable& memory);
    Result<bool> pop_checked(Chain& chain);
    Result<> add(Chain& chain, const Descriptor& descriptor_untrusted);
    Result<> walk(Chain& chain, const std::byte* table, uint32_t table_size, uint16_t first, bool indirect);
    uint16_t available_index() const;
    bool is_empty() const { return available_index() == m_next_available; }

    const MemoryTable* m_memory = nullptr;
    Setup m_setup;
    std::byte* m_descriptors = nullptr;
    std::byte* m_available = nullptr;
    std::byte* m_used = nullptr;
    uint16_t m_next_available = 0;
    uint16_t m_next_used = 0; // ours: the shared one is read only at the start
    uint16_t m_called_used = 0;
    bool m_call_valid = false; ///< m_called_used says up to where the guest was told
    bool m_running = false;
};

} // namespace tracer::vsock
