#pragma once
// SerialMux: all channels to the host over one UART (docs/serial-link.md; the protocol is probes/serial/Link).
//
// Owns what goes over the UART from open() on, and memory for what is under way. Each channel is a drivers::ByteChannel
// with its contract. The console's has two peculiarities: without a session it is the bare line, in both directions, so
// that a terminal without the tool reads and types; and polled_write() writes clear text between frames, whatever state
// the world stopped in, for the report of a crash.
//
// Who moves bytes: the interrupt handler takes what arrives; whoever writes sends the first bytes at once, and
// service(), which a thread calls, the rest, in pieces with the lock released between them; while the UART's FIFO is
// full, its interrupt does. So a flood of traces costs its thread's share of a CPU and no more. In a stopped world
// poll_stopped() does everything, and leaves an interrupt behind that carries on.
//
// Cost: a port access a byte (1-3 us in a VM) and some tens of instructions; the lock is held, and so this CPU not
// stopped, for at most `piece` bytes of that in a row.

#include "libos/drivers/ByteChannel.h"
#include "libos/drivers/Platform.h"
#include "libos/drivers/Uart16550.h"
#include "libos/links/Links.h"
#include "libos/sched/SpinLock.h"
#include "probes/serial/Link.h"

#include <atomic>

namespace links {

class SerialMux final : private serial::Link::TextSink {
public:
    /// `uart` is initialised and lives for ever. `plain`: the line is 8-bit clean.
    SerialMux(drivers::Uart16550& uart, bool plain);
    SerialMux(const SerialMux&) = delete;
    SerialMux& operator=(const SerialMux&) = delete;

    /// Boot: looks for a host. From here on the stopped and polled calls work. `entropy` differs between any two boots.
    void open(uint64_t timestamp_hz, uint64_t entropy);
    /// Boot, thread context, once: from here on everything does. `wake` is called, in any context but an NMI and the
    /// stopped world, without a lock, when there is more for service() than its last answer said.
    base::Result<> start(drivers::Platform& platform, void (*wake)(void* context), void* context);

    drivers::ByteChannel& channel(Channel channel);

    /// Thread context: sends what is to be sent, tells those that wait. Returns after how many microseconds it wants to
    /// be called again if nothing wakes it; 0: there is more to do now.
    uint64_t service();

    /// Bytes written that the host does not have yet.
    size_t unacknowledged(Channel channel);
    serial::Link::Statistics statistics();
    uint32_t overruns() const { return m_uart.overruns(); } ///< bytes that the UART lost: their frames came again

private:
    using Lock = sched::NoStopLock;
    using Locker = sched::NoStopLocker;

    class Port final : public drivers::ByteChannel {
    public:
        bool is_host_connected() const override { return m_mux->is_connected(*this); }
        uint32_t connection() const override { return m_mux->m_connection.load(std::memory_order_acquire); }
        void set_event_handler(EventHandler handler, void* context) override;
        base::Result<size_t> write_some(std::span<const std::byte> bytes) override;
        base::Result<> write_pages(memory::PhysicalAddress address, uint32_t length, WriteDone done,
                                   void* context) override;
        size_t read(std::span<std::byte> out) override;
        base::Result<> poll_stopped() override { return m_mux->poll_stopped(); }
        base::Result<> polled_write(std::span<const std::byte> bytes, uint32_t stall_ms) override;
        base::Result<> polled_write_pages(memory::PhysicalAddress address, uint32_t length, uint32_t stall_ms) override;
        base::Result<> polled_flush(uint32_t stall_ms) override;
        base::Result<size_t> polled_read(std::span<std::byte> out) override;

    private:
        friend class SerialMux;
        bool is_console() const { return m_id == serial::SerialChannel::Console; }
        base::Result<> check_polled() const;
        template <typename Attempt>
        base::Result<> retry_until_stalled(uint32_t stall_ms, Attempt&& attempt);

        SerialMux* m_mux = nullptr;
        serial::SerialChannel m_id = serial::SerialChannel::Link;
        std::atomic<EventHandler> m_handler{nullptr};
        void* m_handler_context = nullptr;
        // A write of pages, which are copied as room comes.
        std::span<const std::byte> m_pages;
        WriteDone m_pages_done = nullptr; // set: somebody is to be told
        void* m_pages_context = nullptr;
    };

    static constexpr size_t piece = 128;      // bytes between two looks at anything else
    static constexpr size_t clear_piece = 64; // of clear text
    static constexpr size_t service_pieces = 8;
    static constexpr size_t typed_capacity = 256;
    static constexpr uint64_t longest_wait = 1'000'000; // us

    bool is_connected(const Port& port) const {
        return m_up.load(std::memory_order_acquire) || (port.is_console() && m_uart.is_present());
    }
    serial::Time now() const;
    static std::span<const uint8_t> integers(std::span<const std::byte> bytes) {
        return {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
    }
    static std::span<uint8_t> integers(std::span<std::byte> bytes) {
        return {reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()};
    }

    // With m_lock held, or in the stopped world.
    void receive();
    bool pump(size_t budget);
    void arm_interrupt(bool for_room);
    bool needs_service(bool more);
    void note_state();
    void fill_from_pages();
    void work_polled();
    size_t write_clear(std::span<const std::byte> bytes);

    static void on_interrupt(void* self);
    base::Result<> poll_stopped();
    /// After a piece of work, without the lock: the handlers, and service() if it is needed.
    void tell(bool service_needed);
    void call_handlers(unsigned changes);

    void on_text(std::span<const uint8_t> text) override;

    drivers::Uart16550& m_uart;
    uint64_t m_ticks_per_us = 1;
    void (*m_wake)(void*) = nullptr;
    void* m_wake_context = nullptr;
    memory::PageAllocator* m_page_allocator = nullptr;

    Lock m_lock; // a leaf
    serial::Link m_link;
    std::span<const uint8_t> m_frame;   // the rest of the frame that is going out
    bool m_reporting = false;           // polled_write() of clear text is at work
    bool m_polled = false;              // the world has been stopped since the last interrupt
    serial::Time m_service_at = 0;      // when service() comes by itself; 0: it was told
    bool m_room_armed = false;          // the interrupt comes when the UART takes more
    std::atomic<unsigned> m_pending{0}; // channels whose handlers are to be called; set under the lock
    std::byte m_typed[typed_capacity] = {};
    size_t m_typed_begin = 0, m_typed_end = 0; // counted on
    std::atomic<bool> m_up{false};
    std::atomic<uint32_t> m_connection{0};

    Port m_ports[serial::channel_count];

    // Gdb's requests may fill a packet of the stub's, its answers and traces come in bulk.
    uint8_t m_send_gdb[4096], m_send_control[2048], m_send_console[4096], m_send_crash[8192], m_send_trace[8192];
    uint8_t m_receive_gdb[4096], m_receive_control[2048], m_receive_console[1024], m_receive_crash[64],
        m_receive_trace[64];
};

} // namespace links
