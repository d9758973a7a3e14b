#pragma once
// The guest's side of a vsock device in a test: memory in a memfd, and two rings that are driven as a driver does it.

#include "tracer/vsock/DeviceQueue.h"
#include "tracer/vsock/PacketHeader.h"

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace tracer::vsock::test {

/// One packet as the guest sees it.
struct Packet {
    PacketHeader header;
    std::string payload;
};

/// The driver's side of one split virtqueue.
class DriverRing {
public:
    static constexpr uint16_t size = 128;
    // Offsets from the ring's start.
    static constexpr uint64_t available_offset = 0x1000;
    static constexpr uint64_t used_offset = 0x2000;
    static constexpr uint64_t length = 0x3000;

    explicit DriverRing(std::byte* memory)
        : m_memory(memory) {}

    void descriptor(uint16_t index, uint64_t address, uint32_t length, uint16_t flags, uint16_t next) {
        std::byte* at = m_memory + size_t{16} * index;
        std::memcpy(at, &address, 8);
        std::memcpy(at + 8, &length, 4);
        std::memcpy(at + 12, &flags, 2);
        std::memcpy(at + 14, &next, 2);
    }
    void make_available(uint16_t head) {
        half(available_offset + 4 + size_t{2} * (m_available % size)) = head;
        set_available_index(++m_available);
    }
    void set_available_index(uint16_t index) {
        m_available = index;
        __atomic_store_n(&half(available_offset + 2), index, __ATOMIC_RELEASE);
    }
    uint16_t available_index() const { return m_available; }
    uint16_t used_index() { return __atomic_load_n(&half(used_offset + 2), __ATOMIC_ACQUIRE); }
    bool has_used() { return used_index() != m_taken; }
    struct Used {
        uint32_t head;
        uint32_t written;
    };
    Used take_used() {
        Used used;
        std::memcpy(&used, m_memory + used_offset + 4 + size_t{8} * (m_taken++ % size), sizeof used);
        return used;
    }
    /// As after a reset of the device: both sides begin at 0.
    void restart() {
        std::memset(m_memory, 0, length);
        m_available = 0;
        m_taken = 0;
    }

    void set_available_flags(uint16_t flags) { half(available_offset) = flags; }
    uint16_t used_flags() { return half(used_offset); }
    /// With the event index: call when this entry is used.
    void set_used_event(uint16_t index) { half(available_offset + 4 + size_t{2} * size) = index; }
    uint16_t available_event() { return half(used_offset + 4 + size_t{8} * size); }

private:
    uint16_t& half(uint64_t offset) { return *reinterpret_cast<uint16_t*>(m_memory + offset); }

    std::byte* m_memory;
    uint16_t m_available = 0;
    uint16_t m_taken = 0;
};

inline FileDescriptor make_event() {
    return FileDescriptor(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
}

inline uint64_t take_events(const FileDescriptor& event) {
    uint64_t count = 0;
    return read(event.get(), &count, sizeof count) == sizeof count ? count : 0;
}

inline FileDescriptor duplicate(const FileDescriptor& descriptor) {
    return FileDescriptor(dup(descriptor.get()));
}

class FakeGuest {
public:
    static constexpr uint64_t cid = 7;
    static constexpr uint64_t memory_size = 8u << 20;
    static constexpr uint64_t guest_base = 0x10'0000;
    static constexpr uint64_t user_base = 0x7f12'0000'0000;

    FakeGuest()
        : m_file(memfd_create("guest", MFD_CLOEXEC)) {
        if (ftruncate(m_file.get(), memory_size) != 0)
            std::abort();
        m_memory =
            static_cast<std::byte*>(mmap(nullptr, memory_size, PROT_READ | PROT_WRITE, MAP_SHARED, m_file.get(), 0));
        rx = DriverRing(m_memory);
        tx = DriverRing(m_memory + tx_at);
    }
    ~FakeGuest() { munmap(m_memory, memory_size); }
    FakeGuest(const FakeGuest&) = delete;
    FakeGuest& operator=(const FakeGuest&) = delete;

    FileDescriptor file() const { return duplicate(m_file); }
    const FileDescriptor& file_descriptor() const { return m_file; }
    MemoryRegion region() const { return {guest_base, memory_size, user_base, 0}; }
    static RingAddresses ring_addresses(uint32_t index) {
        const uint64_t at = user_base + (index == 0 ? 0 : tx_at);
        return {at, at + DriverRing::used_offset, at + DriverRing::available_offset};
    }
    std::byte* at(uint64_t guest_address) { return m_memory + (guest_address - guest_base); }

    /// Gives the device `count` buffers for packets, each a header's descriptor and one of `payload` bytes.
    void post(unsigned count, uint32_t payload = 4096) {
        for (unsigned i = 0; i < count; ++i) {
            const auto slot = static_cast<uint16_t>(m_posted++ % (DriverRing::size / 2));
            const auto head = static_cast<uint16_t>(2 * slot);
            const uint64_t address = rx_address(slot);
            rx.descriptor(head, address, sizeof(PacketHeader), 3, static_cast<uint16_t>(head + 1));
            rx.descriptor(static_cast<uint16_t>(head + 1), address + 64, payload, 2, 0);
            rx.make_available(head);
        }
    }

    /// What the device has sent since; their buffers are not given again.
    void collect() {
        while (rx.has_used()) {
            const auto used = rx.take_used();
            const std::byte* buffer = at(rx_address(static_cast<uint16_t>(used.head / 2)));
            Packet packet;
            std::memcpy(&packet.header, buffer, sizeof packet.header);
            if (used.written > sizeof packet.header)
                packet.payload.assign(reinterpret_cast<const char*>(buffer) + 64, used.written - sizeof packet.header);
            received.push_back(std::move(packet));
        }
    }

    /// Puts a packet into the tx ring: a descriptor for the header and one for the payload, if there is any.
    void put(const PacketHeader& header, std::string_view payload = {}) {
        const auto slot = static_cast<uint16_t>(m_sent++ % (DriverRing::size / 2));
        const auto head = static_cast<uint16_t>(2 * slot);
        const uint64_t address = tx_address(slot);
        std::memcpy(at(address), &header, sizeof header);
        std::memcpy(at(address + 64), payload.data(), payload.size());
        tx.descriptor(head, address, sizeof header, payload.empty() ? 0 : 1, static_cast<uint16_t>(head + 1));
        tx.descriptor(static_cast<uint16_t>(head + 1), address + 64, static_cast<uint32_t>(payload.size()), 0, 0);
        tx.make_available(head);
    }

    /// As after a reboot.
    void restart() {
        rx.restart();
        tx.restart();
        received.clear();
        m_posted = 0;
        m_sent = 0;
    }

    static constexpr uint32_t max_payload = 0x8000 - 64;
    static uint64_t rx_address(uint16_t slot) { return guest_base + 0x10'0000 + uint64_t{slot} * 0x8000; }
    static uint64_t tx_address(uint16_t slot) { return guest_base + 0x40'0000 + uint64_t{slot} * 0x8000; }

    DriverRing rx{nullptr};
    DriverRing tx{nullptr};
    std::deque<Packet> received;

private:
    static constexpr uint64_t tx_at = 0x8000;

    FileDescriptor m_file;
    std::byte* m_memory = nullptr;
    uint64_t m_posted = 0;
    uint64_t m_sent = 0;
};

} // namespace tracer::vsock::test
