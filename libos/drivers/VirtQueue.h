#pragma once
// VirtQueue: the driver's side of one split virtqueue (Virtual I/O Device 1.2, section 2.7).
//
// Owns one page that it shares with the device, and private book-keeping. Everything that the device writes is
// untrusted: it is checked against the private copy, and a queue whose device lies is broken: it refuses all further
// work and touches nothing. The page's descriptor table is write-only for us, so a device that scribbles there harms
// only itself.
//
// There is no lock inside: the owner has one, or is the only one left (stopped world). Nothing here waits.
//
// Memory order: the device is another CPU. What add() writes to descriptors and ring is published by a store-release of
// the available index, and what the device wrote to a buffer is seen after a load-acquire of the used index. The two
// hints against needless kicks and interrupts are store-load patterns (Dekker): each has a full fence between its store
// and its load. With VIRTIO_F_EVENT_IDX (section 2.7.10) the hints are indices: tell me when you get there.

#include "libos/base/Result.h"
#include "libos/memory/PageAllocator.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace drivers {

using memory::PhysicalAddress;

/// A physically contiguous part of a buffer.
struct BufferSegment {
    PhysicalAddress address;
    uint32_t length;
    bool device_writes;
};

class VirtQueue {
public:
    /// Descriptors, rings and their alignment fit one page at this size.
    static constexpr uint16_t max_size = 128;

    constexpr VirtQueue() = default;
    VirtQueue(const VirtQueue&) = delete;
    VirtQueue& operator=(const VirtQueue&) = delete;

    /// `size` is a power of two up to max_size. Before the device knows the queue.
    base::Result<> allocate(memory::PageAllocator& pages, uint16_t size);
    /// The device has accepted VIRTIO_F_EVENT_IDX. After allocate(), before the device knows the queue.
    void use_event_index() { m_event_index = true; }
    /// After the device was reset: it must not know the queue any more.
    void release(memory::PageAllocator& pages);

    /// Hands a buffer to the device; what it may write comes after what it reads. Returns the buffer's number, which
    /// comes back in a Completion. Error::Again without room, Error::Io when broken.
    base::Result<uint16_t> add(std::span<const BufferSegment> segments);

    /// After add(): whether the device wants to be told of what was added since the last call. Who asks tells it.
    bool needs_notification();

    struct Completion {
        uint16_t buffer;
        uint32_t written; ///< bytes, at most what the device might write
    };
    /// The next buffer that the device gave back. Nothing when there is none, and for ever once broken.
    std::optional<Completion> take_used();
    bool has_used() const;

    /// A hint that the device may ignore. When switching on, true means that buffers came back meanwhile: take them.
    /// With event indices the interrupt comes when more than `after` buffers, counted from those taken, came back; then
    /// interrupts stay off until they are switched on again.
    bool set_interrupts(bool enabled, uint16_t after = 0);

    uint16_t size() const { return m_size; }
    uint16_t free_descriptors() const { return m_free_count; }
    uint16_t in_flight() const { return m_in_flight; }
    bool is_broken() const { return m_broken; }

    // Where the device finds the three parts.
    PhysicalAddress descriptor_address() const { return m_page; }
    PhysicalAddress driver_address() const { return m_page + driver_offset(); }
    PhysicalAddress device_address() const { return m_page + device_offset(); }

private:
    struct Shadow {
        uint16_t next;     ///< in a chain, or in the free list
        uint16_t segments; ///< of the chain that begins here and is in flight; else 0
        uint32_t writable; ///< bytes that the device may write to that chain
    };

    size_t driver_offset() const;
    size_t device_offset() const;
    uint16_t* driver_flags() const;
    uint16_t* driver_index() const;
    uint16_t* driver_ring() const;
    uint16_t* wanted_interrupt() const;    // "used_event"
    uint16_t* wanted_notification() const; // "avail_event"
    uint16_t* device_flags() const;
    uint16_t* device_index() const;
    std::byte* device_ring() const;

    PhysicalAddress m_page = 0;
    std::byte* m_memory = nullptr;
    uint16_t m_size = 0;
    uint16_t m_free_head = 0;
    uint16_t m_free_count = 0;
    uint16_t m_in_flight = 0;
    uint16_t m_next_available = 0; // our copy: the shared one is never read back
    uint16_t m_next_used = 0;
    uint16_t m_notified = 0; // m_next_available at the last needs_notification()
    bool m_event_index = false;
    bool m_broken = false;
    Shadow m_shadow[max_size] = {};
};

} // namespace drivers
