#pragma once
// VsockDevice: moves packets between the two rings of a guest and the PacketEngine.
//
// A batch of packets is taken from the guest, written to the Unix sockets straight out of guest memory, and then given
// back at once; the guest is interrupted only when it wants that. One turn on the loop is bounded, so that a busy guest
// does not starve the loop's other work, and the rest follows in the next turn.
//
// A ring whose guest breaks the rules falls silent until the guest resets the device; the session with QEMU goes on.

#include "tracer/vsock/DeviceQueue.h"
#include "tracer/vsock/PacketEngine.h"

#include <array>
#include <optional>

namespace tracer::vsock {

/// On the event loop's thread. The engine outlives it.
class VsockDevice {
public:
    struct Hooks {
        /// Why a ring fell silent, or never spoke.
        std::function<void(const Error&)> on_broken;
        /// is_running() has changed.
        std::function<void()> on_change;
    };
    VsockDevice(asio::io_context& loop, PacketEngine& engine, Hooks hooks);

    /// The guest's driver is up: both rings are started and enabled.
    bool is_running() const { return m_running; }

    /// The engine has something for the guest.
    void pump();

    // What QEMU tells, by message.

    void set_features(bool event_index, bool indirect, bool rings_need_enabling);
    /// The rings go on in the new table, or fall silent.
    void set_memory(MemoryTable memory);
    void set_ring_size(uint32_t index, uint32_t size) { m_rings[index].setup.size = size; }
    void set_ring_base(uint32_t index, uint16_t base) { m_rings[index].setup.next_available = base; }
    void set_ring_addresses(uint32_t index, const RingAddresses& addresses);
    /// Starts the ring.
    Result<> set_kick(uint32_t index, FileDescriptor descriptor);
    Result<> set_call(uint32_t index, FileDescriptor descriptor);
    Result<> set_error(uint32_t index, FileDescriptor descriptor);
    void set_enabled(uint32_t index, bool enabled);
    /// Stops the ring; returns where it can go on. What the guest had sent before is still taken.
    uint16_t stop_ring(uint32_t index);
    /// Stops the rings and ends the engine's connections. What the guest had sent before is still taken. Memory and
    /// descriptors for calls stay.
    void reset();
    /// The same, and back to how it was made: QEMU is gone.
    void forget();

private:
    static constexpr uint32_t to_guest = 0;
    static constexpr uint32_t from_guest = 1;
    /// Buffers that are taken from a ring before any goes back.
    static constexpr size_t batch = 32;
    static constexpr size_t max_produced = 16;
    /// Batches of one turn on the loop.
    static constexpr size_t batches_per_turn = 16;

    struct Ring {
        DeviceQueue::Setup setup;
        DeviceQueue queue;
        std::unique_ptr<Watch> kick; ///< while the ring is started, if it is broken too
        FileDescriptor call;
        FileDescriptor error;
        bool enabled = false;
        uint16_t stopped_at = 0;
    };

    void kicked(uint32_t index);
    void update_running();
    bool goes_on() const;
    bool take_packets();
    Result<size_t> take_batch();
    void take_the_rest();
    bool give_packets();
    Result<size_t> take_buffers(size_t wanted);
    /// After a kick: with share=off QEMU's memory is another than the file that it hands out, and nothing says so. The
    /// guest's driver fills its queues at once, and here they stay empty.
    void doubt_memory();
    bool looks_unshared() const;
    void broken(uint32_t index, const Error& error);
    static Result<> keep_event(FileDescriptor& kept, FileDescriptor descriptor);
    static void signal(const FileDescriptor& event);

    asio::io_context& m_loop;
    PacketEngine& m_engine;
    Hooks m_hooks;
    MemoryTable m_memory;
    std::array<Ring, ring_count> m_rings;
    bool m_rings_need_enabling = true;
    bool m_running = false;
    bool m_pumping = false;
    bool m_turn_posted = false;
    bool m_was_stopped = false; ///< connections may outlive the stop
    bool m_doubted = false;     ///< since the rings were started
    asio::steady_timer m_doubt;
    DeviceQueue::Chain m_packet;
    std::vector<iovec> m_payload;
    std::array<DeviceQueue::Chain, max_produced> m_chains;
    std::array<GuestBuffer, max_produced> m_buffers;
    std::shared_ptr<void> m_alive;
};

} // namespace tracer::vsock
