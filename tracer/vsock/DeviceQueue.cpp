#include "tracer/vsock/DeviceQueue.h"

#include <fmt/format.h>

#include <atomic>

namespace tracer::vsock {

namespace {

// Descriptor flags.
constexpr uint16_t next_flag = 1;
constexpr uint16_t write_flag = 2;
constexpr uint16_t indirect_flag = 4;

// Both rings begin with flags and index.
constexpr size_t flags_offset = 0;
constexpr size_t index_offset = 2;
constexpr size_t entries_offset = 4;
constexpr size_t available_entry_size = 2;
constexpr size_t used_entry_size = 8;
constexpr size_t event_size = 2; ///< at a ring's end
constexpr uint16_t no_interrupt_flag = 1;
constexpr uint16_t no_notify_flag = 1;

// The memory belongs to another process' objects, so these are the builtins that std::atomic_ref stands on.
template <typename T>
T load(const std::byte* at, std::memory_order order = std::memory_order_relaxed) {
    const T* pointer = reinterpret_cast<const T*>(at);
    return order == std::memory_order_acquire ? __atomic_load_n(pointer, __ATOMIC_ACQUIRE)
                                              : __atomic_load_n(pointer, __ATOMIC_RELAXED);
}

template <typename T>
void store(std::byte* at, T value, std::memory_order order = std::memory_order_relaxed) {
    T* pointer = reinterpret_cast<T*>(at);
    if (order == std::memory_order_release)
        __atomic_store_n(pointer, value, __ATOMIC_RELEASE);
    else
        __atomic_store_n(pointer, value, __ATOMIC_RELAXED);
}

bool is_aligned(const std::byte* at, size_t alignment) {
    return reinterpret_cast<uintptr_t>(at) % alignment == 0;
}

std::unexpected<Error> broken(std::string what) {
    return fail("the guest's vsock driver broke a rule of virtio: " + std::move(what),
                "The device stays silent until the guest resets it.");
}

} // namespace

Result<> DeviceQueue::translate(const MemoryTable& memory) {
    const uint64_t size = m_setup.size;
    const uint64_t event = m_setup.event_index ? event_size : 0;
    m_descriptors = memory.user(m_setup.addresses.descriptors, size * sizeof(Descriptor));
    m_available = memory.user(m_setup.addresses.available, entries_offset + size * available_entry_size + event);
    m_used = memory.user(m_setup.addresses.used, entries_offset + size * used_entry_size + event);
    if (!m_descriptors || !m_available || !m_used)
        return broken("a ring does not lie in its memory");
    if (!is_aligned(m_descriptors, 16) || !is_aligned(m_available, 2) || !is_aligned(m_used, 4))
        return broken("a ring is not aligned");
    m_memory = &memory;
    return {};
}

Result<> DeviceQueue::start(const MemoryTable& memory, const Setup& setup) {
    m_running = false;
    m_setup = setup;
    if (setup.size == 0)
        return broken("a ring was started before its size was told");
    TRY(translate(memory));
    m_next_available = setup.next_available;
    m_next_used = load<uint16_t>(m_used + index_offset);
    m_call_valid = false;
    m_running = true;
    return {};
}

Result<> DeviceQueue::remap(const MemoryTable& memory) {
    if (!m_running)
        return {};
    const Result<> translated = translate(memory);
    m_running = translated.has_value();
    return translated;
}

uint16_t DeviceQueue::available_index() const {
    return load<uint16_t>(m_available + index_offset, std::memory_order_acquire);
}

Result<bool> DeviceQueue::pop(Chain& chain) {
    if (!m_running)
        return false;
    auto popped = pop_checked(chain);
    m_running = popped.has_value();
    return popped;
}

Result<bool> DeviceQueue::pop_checked(Chain& chain) {
    const auto waiting = static_cast<uint16_t>(available_index() - m_next_available);
    if (waiting == 0)
        return false;
    if (waiting > m_setup.size)
        return broken(fmt::format("{} buffers wait in a queue of {}", waiting, m_setup.size));
    const size_t slot = m_next_available & (m_setup.size - 1);
    chain.head = load<uint16_t>(m_available + entries_offset + slot * available_entry_size);
    chain.parts.clear();
    chain.readable_parts = 0;
    chain.readable_size = 0;
    chain.writable_size = 0;
    if (chain.head >= m_setup.size)
        return broken(fmt::format("descriptor {} is beyond the {} of its table", chain.head, m_setup.size));
    TRY(walk(chain, m_descriptors, m_setup.size, chain.head, false));
    ++m_next_available;
    return true;
}

Result<> DeviceQueue::walk(Chain& chain, const std::byte* table, uint32_t table_size, uint16_t first, bool indirect) {
    uint32_t index = first;
    for (uint32_t count = 1;; ++count) {
        // A chain may be no longer than the queue, in an indirect table too; that also ends a loop.
        if (count > m_setup.size)
            return broken("a chain of descriptors is longer than its queue");
        // Two plain loads each of which is atomic: they may belong to different descriptors if the guest writes
        // meanwhile, and either way are checked as they came.
        const std::byte* at = table + size_t{index} * sizeof(Descriptor);
        const auto rest = load<uint64_t>(at + 8);
        const Descriptor descriptor{load<uint64_t>(at), static_cast<uint32_t>(rest), static_cast<uint16_t>(rest >> 32),
                                    static_cast<uint16_t>(rest >> 48)};
        if ((descriptor.flags & indirect_flag) != 0) {
            if (indirect || !m_setup.indirect)
                return broken("an indirect descriptor where none may be");
            if ((descriptor.flags & next_flag) != 0)
                return broken("a descriptor is indirect and has a next one");
            const uint32_t entries = descriptor.length / sizeof(Descriptor);
            if (entries == 0 || descriptor.length % sizeof(Descriptor) != 0)
                return broken(fmt::format("an indirect table of {} bytes", descriptor.length));
            const std::byte* inner = m_memory->guest(descriptor.address, descriptor.length);
            if (!inner || !is_aligned(inner, alignof(uint64_t)))
                return broken(fmt::format("an indirect table at {:#x}", descriptor.address));
            return walk(chain, inner, entries, 0, true);
        }
        TRY(add(chain, descriptor));
        if ((descriptor.flags & next_flag) == 0)
            return {};
        index = descriptor.next;
        if (index >= table_size)
            return broken(fmt::format("descriptor {} is beyond the {} of its table", index, table_size));
    }
}

Result<> DeviceQueue::add(Chain& chain, const Descriptor& descriptor) {
    const bool writable = (descriptor.flags & write_flag) != 0;
    if (!writable && chain.parts.size() != chain.readable_parts)
        return broken("what the device may read comes after what it may write");
    if (!m_memory->append_guest(descriptor.address, descriptor.length, chain.parts))
        return broken(fmt::format("{} bytes at {:#x} do not lie in its memory", descriptor.length, descriptor.address));
    if (writable)
        chain.writable_size += descriptor.length;
    else {
        chain.readable_size += descriptor.length;
        chain.readable_parts = chain.parts.size();
    }
    return {};
}

void DeviceQueue::push(uint16_t head, uint32_t written) {
    if (!m_running)
        return;
    std::byte* entry = m_used + entries_offset + (m_next_used & (m_setup.size - 1)) * used_entry_size;
    store<uint32_t>(entry, head);
    store<uint32_t>(entry + 4, written);
    store<uint16_t>(m_used + index_offset, ++m_next_used, std::memory_order_release);
}

bool DeviceQueue::needs_call() {
    if (!m_running)
        return false;
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (!m_setup.event_index)
        return (load<uint16_t>(m_available + flags_offset) & no_interrupt_flag) == 0;
    const auto wanted = load<uint16_t>(m_available + entries_offset + m_setup.size * available_entry_size);
    const uint16_t told = m_called_used;
    const bool valid = m_call_valid;
    m_called_used = m_next_used;
    m_call_valid = true;
    // Whether `wanted` is one of the entries since the guest was last told (2.7.7.2).
    return !valid || static_cast<uint16_t>(m_next_used - wanted - 1) < static_cast<uint16_t>(m_next_used - told);
}

void DeviceQueue::disable_kicks() {
    // With the event index the guest kicks at one entry only, which has passed.
    if (m_running && !m_setup.event_index)
        store<uint16_t>(m_used + flags_offset, no_notify_flag);
}

bool DeviceQueue::enable_kicks() {
    if (!m_running)
        return false;
    if (m_setup.event_index)
        store<uint16_t>(m_used + entries_offset + m_setup.size * used_entry_size, m_next_available);
    else
        store<uint16_t>(m_used + flags_offset, 0);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return !is_empty();
}

} // namespace tracer::vsock
