#include "libos/drivers/VirtQueue.h"

#include "libos/base/Assert.h"
#include "libos/base/Bits.h"

#include <atomic>
#include <bit>
#include <cstring>

namespace drivers {

namespace {

static_assert(std::endian::native == std::endian::little, "rings are little-endian");

struct Descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags;
    uint16_t next;
};
static_assert(sizeof(Descriptor) == 16);

struct UsedElement {
    uint32_t id;
    uint32_t length;
};
static_assert(sizeof(UsedElement) == 8);

enum DescriptorFlags : uint16_t { HasNext = 1, DeviceWrites = 2 };
constexpr uint16_t no_interrupt = 1; // driver's flags
constexpr uint16_t no_notify = 1;    // device's flags

constexpr size_t ring_header = 4; // flags, index
constexpr size_t page_size = 4096;

constexpr size_t driver_offset_for(size_t size) {
    return sizeof(Descriptor) * size;
}
constexpr size_t device_offset_for(size_t size) {
    return base::align_up(driver_offset_for(size) + ring_header + 2 * size + sizeof(uint16_t), size_t{4});
}
static_assert(device_offset_for(VirtQueue::max_size) + ring_header + sizeof(UsedElement) * VirtQueue::max_size +
                  sizeof(uint16_t) <=
              page_size);

/// Whether an index that went from `before` to `now` has passed `event` (section 2.7.10, modulo 65536).
constexpr bool has_passed(uint16_t event, uint16_t before, uint16_t now) {
    return static_cast<uint16_t>(now - event - 1) < static_cast<uint16_t>(now - before);
}

uint16_t load(uint16_t* shared, std::memory_order order) {
    return std::atomic_ref(*shared).load(order);
}
void store(uint16_t* shared, uint16_t value, std::memory_order order) {
    std::atomic_ref(*shared).store(value, order);
}

} // namespace

size_t VirtQueue::driver_offset() const {
    return driver_offset_for(m_size);
}
size_t VirtQueue::device_offset() const {
    return device_offset_for(m_size);
}
uint16_t* VirtQueue::driver_flags() const {
    return reinterpret_cast<uint16_t*>(m_memory + driver_offset());
}
uint16_t* VirtQueue::driver_index() const {
    return driver_flags() + 1;
}
uint16_t* VirtQueue::driver_ring() const {
    return driver_flags() + 2;
}
uint16_t* VirtQueue::wanted_interrupt() const {
    return driver_ring() + m_size;
}
uint16_t* VirtQueue::wanted_notification() const {
    return reinterpret_cast<uint16_t*>(device_ring() + sizeof(UsedElement) * m_size);
}
uint16_t* VirtQueue::device_flags() const {
    return reinterpret_cast<uint16_t*>(m_memory + device_offset());
}
uint16_t* VirtQueue::device_index() const {
    return device_flags() + 1;
}
std::byte* VirtQueue::device_ring() const {
    return m_memory + device_offset() + ring_header;
}

base::Result<> VirtQueue::allocate(memory::PageAllocator& pages, uint16_t size) {
    ASSERT(m_memory == nullptr);
    if (!base::is_power_of_two(size) || size > max_size)
        return base::fail(base::Error::Invalid);
    m_page = TRY(pages.allocate_zeroed_page());
    m_memory = static_cast<std::byte*>(pages.to_pointer(m_page));
    m_size = size;
    m_free_head = 0;
    m_free_count = size;
    m_in_flight = 0;
    m_next_available = m_next_used = m_notified = 0;
    m_event_index = false;
    m_broken = false;
    for (uint16_t i = 0; i < size; ++i)
        m_shadow[i] = {static_cast<uint16_t>(i + 1), 0, 0};
    return {};
}

void VirtQueue::release(memory::PageAllocator& pages) {
    if (m_memory == nullptr)
        return;
    pages.free_page(m_page);
    m_memory = nullptr;
    m_size = m_free_count = m_in_flight = 0;
}

base::Result<uint16_t> VirtQueue::add(std::span<const BufferSegment> segments) {
    if (m_broken || m_memory == nullptr)
        return base::fail(base::Error::Io);
    if (segments.empty() || segments.size() > m_size)
        return base::fail(base::Error::Invalid);
    if (segments.size() > m_free_count)
        return base::fail(base::Error::Again);

    uint16_t head = m_free_head;
    uint16_t index = head;
    uint32_t writable = 0;
    for (size_t i = 0; i < segments.size(); ++i) {
        bool last = i + 1 == segments.size();
        auto& segment = segments[i];
        uint16_t flags = (segment.device_writes ? DeviceWrites : 0) | (last ? 0 : HasNext);
        if (segment.device_writes)
            writable += segment.length;
        Descriptor descriptor{segment.address, segment.length, flags, last ? uint16_t{0} : m_shadow[index].next};
        std::memcpy(m_memory + sizeof(Descriptor) * index, &descriptor, sizeof(descriptor));
        m_free_head = m_shadow[index].next;
        if (!last)
            index = m_free_head;
    }
    m_free_count = static_cast<uint16_t>(m_free_count - segments.size());
    m_shadow[head].segments = static_cast<uint16_t>(segments.size());
    m_shadow[head].writable = writable;
    ++m_in_flight;

    driver_ring()[m_next_available % m_size] = head;
    ++m_next_available;
    // release: the device that sees the index sees the ring entry, the descriptors and the buffers' contents.
    store(driver_index(), m_next_available, std::memory_order_release);
    return head;
}

bool VirtQueue::needs_notification() {
    // The device writes its flags or its event index, then reads our index; we wrote our index, then read those. The
    // fence keeps the store of add() before the load here, so one of the two sees the other.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (m_broken || m_memory == nullptr)
        return false;
    uint16_t before = m_notified;
    m_notified = m_next_available;
    if (m_event_index)
        return has_passed(load(wanted_notification(), std::memory_order_relaxed), before, m_next_available);
    return (load(device_flags(), std::memory_order_relaxed) & no_notify) == 0;
}

bool VirtQueue::has_used() const {
    return !m_broken && m_memory != nullptr && load(device_index(), std::memory_order_relaxed) != m_next_used;
}

std::optional<VirtQueue::Completion> VirtQueue::take_used() {
    if (m_broken || m_memory == nullptr)
        return std::nullopt;
    // acquire: pairs with the device's release of its index; entry and buffer contents are read after it.
    uint16_t index_untrusted = load(device_index(), std::memory_order_acquire);
    auto pending = static_cast<uint16_t>(index_untrusted - m_next_used);
    if (pending == 0)
        return std::nullopt;
    UsedElement element_untrusted;
    std::memcpy(&element_untrusted, device_ring() + sizeof(UsedElement) * (m_next_used % m_size),
                sizeof(element_untrusted));
    // More given back than it had, a number that is no buffer in flight, or more written than there was room for.
    if (pending > m_in_flight || element_untrusted.id >= m_size || m_shadow[element_untrusted.id].segments == 0) {
        m_broken = true;
        return std::nullopt;
    }
    auto head = static_cast<uint16_t>(element_untrusted.id);
    auto& chain = m_shadow[head];
    // Some devices report what they read of a read-only buffer: that length means nothing.
    uint32_t written = chain.writable == 0 ? 0 : element_untrusted.length;
    if (written > chain.writable) {
        m_broken = true;
        return std::nullopt;
    }

    uint16_t last = head;
    for (uint16_t i = 1; i < chain.segments; ++i)
        last = m_shadow[last].next;
    m_free_count = static_cast<uint16_t>(m_free_count + chain.segments);
    m_shadow[last].next = m_free_head;
    m_free_head = head;
    chain.segments = 0;
    --m_in_flight;
    ++m_next_used;
    return Completion{head, written};
}

bool VirtQueue::set_interrupts(bool enabled, uint16_t after) {
    if (m_memory == nullptr)
        return false;
    if (m_event_index) {
        // Off: an index that the device has passed already; it comes there again after 65535 buffers.
        auto event = static_cast<uint16_t>(enabled ? m_next_used + after : m_next_used - 1);
        store(wanted_interrupt(), event, std::memory_order_relaxed);
    } else {
        store(driver_flags(), enabled ? 0 : no_interrupt, std::memory_order_relaxed);
        after = 0;
    }
    if (!enabled)
        return false;
    // The device writes its index, then reads our flags or event index; the mirror of needs_notification().
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return !m_broken && static_cast<uint16_t>(load(device_index(), std::memory_order_relaxed) - m_next_used) > after;
}

} // namespace drivers
