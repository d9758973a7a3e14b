#pragma once
// ConsolePort: one named byte channel of a VirtioConsole, with a queue pair of its own.
//
// Normal calls take the port's two locks, one a direction, for the length of a copy; write_pages() does not copy.
// Polled calls take no lock; a port whose lock was held when the world stopped is in the middle of something and
// answers Error::Busy, and so does one with pages in flight whose sender would have to be told.

#include "libos/drivers/ByteChannel.h"
#include "libos/drivers/VirtQueue.h"
#include "libos/drivers/VirtioTransport.h"
#include "libos/sched/SpinLock.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace drivers {

class VirtioConsole;

class ConsolePort final : public ByteChannel {
public:
    std::string_view name() const { return {m_name, m_name_length}; }
    bool is_host_connected() const override { return m_host_connected.load(std::memory_order_acquire); }
    uint32_t connection() const override { return m_connection.load(std::memory_order_acquire); }
    void set_event_handler(EventHandler handler, void* context) override;
    base::Result<size_t> write_some(std::span<const std::byte> bytes) override;
    base::Result<> write_pages(PhysicalAddress address, uint32_t length, WriteDone done, void* context) override;
    size_t read(std::span<std::byte> out) override;
    base::Result<> poll_stopped() override;

    base::Result<> polled_write(std::span<const std::byte> bytes, uint32_t stall_ms) override;
    base::Result<> polled_write_pages(PhysicalAddress address, uint32_t length, uint32_t stall_ms) override;
    base::Result<> polled_flush(uint32_t stall_ms) override;
    base::Result<size_t> polled_read(std::span<std::byte> out) override;

private:
    friend class VirtioConsole;
    ConsolePort() = default;

    static constexpr unsigned bounce_count = 4; // pages for copying writes
    static constexpr unsigned receive_count = 4;
    static constexpr uint32_t page_size = 4096;
    static constexpr size_t max_name = 63;

    struct Write {
        WriteDone done = nullptr; // nullptr: a bounce page
        void* context = nullptr;
        uint8_t bounce = 0;
    };

    /// Memory for both directions. Once, when the port has its name.
    base::Result<> open(Platform& platform);
    void set_host_connected(bool connected);
    /// After an interrupt: completes writes, tells the owner.
    void service();

    // With m_transmit_lock held, or in the stopped world.
    base::Result<> check_writable() const;
    base::Result<size_t> send_copy(std::span<const std::byte> bytes);
    base::Result<> send(PhysicalAddress address, uint32_t length, const Write& write);
    void kick(VirtQueue& queue, uint16_t index);
    /// Takes one finished write back. Its callback, if it has one, is returned for the caller to call unlocked.
    bool reclaim_one(Write& finished);
    bool reclaim_and_report();

    size_t take_received(std::span<std::byte> out); // with m_receive_lock held, or in the stopped world
    base::Result<> post_receive(unsigned buffer);

    base::Result<> check_polled() const;
    template <typename Attempt>
    base::Result<> retry_until_stalled(uint32_t stall_ms, Attempt&& attempt);

    Platform* m_platform = nullptr;
    VirtioTransport* m_transport = nullptr;
    VirtioConsole* m_console = nullptr;
    VirtQueue m_transmit;
    VirtQueue m_receive;
    uint16_t m_transmit_index = 0;
    uint16_t m_receive_index = 0;
    uint32_t m_id = 0;
    bool m_added = false;             // the device has announced it; under the console's lock
    std::atomic<bool> m_named{false}; // to be opened, or told once more that it is open
    std::atomic<bool> m_open{false};  // named, wanted and set up; its queues never stop again
    char m_name[max_name + 1] = {};
    size_t m_name_length = 0;
    std::atomic<bool> m_host_connected{false};
    std::atomic<uint32_t> m_connection{0};
    std::atomic<bool> m_connection_changed{false};
    EventHandler m_event_handler = nullptr; // under m_receive_lock
    void* m_event_context = nullptr;

    sched::NoStopLock m_transmit_lock;   // a leaf: nothing is called with it held
    Write m_writes[VirtQueue::max_size]; // by buffer number
    PhysicalAddress m_bounce[bounce_count] = {};
    unsigned m_bounce_free = 0;     // a bit each
    unsigned m_pages_in_flight = 0; // writes with a callback

    sched::NoStopLock m_receive_lock; // a leaf
    PhysicalAddress m_receive_pages[receive_count] = {};
    uint8_t m_receive_buffer[VirtQueue::max_size] = {}; // by buffer number
    bool m_has_received = false;                        // a buffer that read() has not emptied
    unsigned m_received_buffer = 0;
    uint32_t m_received_length = 0;
    uint32_t m_received_offset = 0;
};

} // namespace drivers
