#pragma once
// ConsolePort: one named byte channel of a VirtioConsole, with a queue pair of its own.
//
// Two ways of use, never both at once on one port:
// - Normal: write_some(), write_page(), read(), from threads and interrupt handlers of any CPU. They take the port's
//   two locks, one a direction, for the length of a copy. Nothing waits: what does not fit is refused, and the event
//   handler says when it is worth trying again.
// - Polled: polled_write() and its kin, by the only CPU that still runs, interrupts off, on any stack. They take no
//   lock; a port whose lock was held when the world stopped is in the middle of something and answers Error::Busy.
//   So a port that has to work in a crash is used by nothing else: its queues are then always consistent, whatever
//   the other CPUs were stopped in.
//
// The host's end may be closed (nothing is sent: Error::BrokenPipe) or not read from (buffers stay with the device:
// Error::Again, polled Error::TimedOut). No call blocks for longer than it was given.

#include "libos/base/Result.h"
#include "libos/drivers/VirtQueue.h"
#include "libos/drivers/VirtioTransport.h"
#include "libos/sched/SpinLock.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace drivers {

class ConsolePort {
public:
    ConsolePort(const ConsolePort&) = delete;
    ConsolePort& operator=(const ConsolePort&) = delete;

    std::string_view name() const { return {m_name, m_name_length}; }
    /// Whether somebody has the host's end open.
    bool is_host_connected() const { return m_host_connected.load(std::memory_order_acquire); }
    /// Counts openings and closings of the host's end: what was written under another number may not have arrived.
    uint32_t connection() const { return m_connection.load(std::memory_order_acquire); }

    /// Called when bytes arrived, room came back or the host's end changed; in interrupt context, without a lock. Wakes
    /// a thread, typically. Set once, before use.
    using EventHandler = void (*)(void* context);
    void set_event_handler(EventHandler handler, void* context);

    /// Copies as much as fits now; returns how much, at least 1. Error::Again when full, Error::BrokenPipe without a
    /// host, Error::Io when the device broke.
    base::Result<size_t> write_some(std::span<const std::byte> bytes);

    /// Sends physically contiguous memory without copying. It belongs to the device until `done` is called, once, from
    /// any context (this call included), without a lock. Errors as above; `done` is not called for an error, nor for
    /// what a broken device still has.
    using WriteDone = void (*)(void* context);
    base::Result<> write_pages(PhysicalAddress address, uint32_t length, WriteDone done, void* context);

    /// What has arrived, at most `out.size()` bytes; 0 when nothing has.
    size_t read(std::span<std::byte> out);

    /// The polled twin of write_some() for all of `bytes`: gives up when the device takes nothing for `stall_ms`.
    base::Result<> polled_write(std::span<const std::byte> bytes, uint32_t stall_ms);
    /// Without copying: the memory must stay as it is until polled_flush().
    base::Result<> polled_write_pages(PhysicalAddress address, uint32_t length, uint32_t stall_ms);
    /// Until the device has taken all.
    base::Result<> polled_flush(uint32_t stall_ms);
    base::Result<size_t> polled_read(std::span<std::byte> out);

private:
    friend class VirtioConsole;
    ConsolePort() = default;

    static constexpr unsigned bounce_count = 4; // pages for copying writes
    static constexpr unsigned receive_count = 4;
    static constexpr uint32_t receive_size = 1024;
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
    VirtQueue m_transmit;
    VirtQueue m_receive;
    uint16_t m_transmit_index = 0;
    uint16_t m_receive_index = 0;
    uint32_t m_id = 0;
    bool m_added = false;            // the device has announced it; under the console's lock
    std::atomic<bool> m_open{false}; // named, wanted and set up; never closed again
    char m_name[max_name + 1] = {};
    size_t m_name_length = 0;
    std::atomic<bool> m_host_connected{false};
    std::atomic<uint32_t> m_connection{0};
    std::atomic<bool> m_connection_changed{false};
    EventHandler m_event_handler = nullptr; // under m_receive_lock
    void* m_event_context = nullptr;

    sched::SpinLock m_transmit_lock;     // a leaf: nothing is called with it held
    Write m_writes[VirtQueue::max_size]; // by buffer number
    PhysicalAddress m_bounce[bounce_count] = {};
    unsigned m_bounce_free = 0;     // a bit each
    unsigned m_pages_in_flight = 0; // writes with a callback

    sched::SpinLock m_receive_lock; // a leaf
    PhysicalAddress m_receive_page = 0;
    uint8_t m_receive_buffer[VirtQueue::max_size] = {}; // by buffer number
    bool m_has_received = false;                        // a buffer that read() has not emptied
    unsigned m_received_buffer = 0;
    uint32_t m_received_length = 0;
    uint32_t m_received_offset = 0;
};

} // namespace drivers
