#pragma once
// TraceChannel: frames on a link's trace channel, packets without copying where the link can. One thread uses it.

#include "libos/drivers/ByteChannel.h"
#include "libos/sched/WaitQueue.h"
#include "probes/wire/Channel.h"

#include <atomic>
#include <span>

namespace trace {

class TraceChannel {
public:
    constexpr TraceChannel() = default;

    void open(drivers::ByteChannel& channel);
    bool is_open() const { return m_channel != nullptr; }

    /// Before the first of a recording.
    void begin();
    /// Each waits until the host has taken all, at most for stall_looks without progress. False: the host is gone or
    /// stuck, and nothing more is sent until begin().
    bool send(wire::FrameType type, std::span<const std::byte> body);
    /// `packet` is physically contiguous. When this returns false the device may still read it at any later
    /// time, whatever is written there meanwhile: a host checks packets.
    bool send_packet(std::span<const std::byte> packet);

    /// Any thread: names the stall in which nothing moves that should; 0 while it does.
    uint64_t stall() const { return m_stall.load(std::memory_order_relaxed); }
    /// Any thread: the call that waits returns false soon.
    void give_up();

private:
    static constexpr uint64_t look_ns = 100'000'000; ///< between two looks at m_gives_up
    /// About ten seconds, counted in looks: the clock goes on while the host has forgotten the whole machine.
    static constexpr unsigned stall_looks = 100;

    bool send_header(wire::FrameType type, size_t length);
    bool send_bytes(std::span<const std::byte> bytes);
    bool send_pages(std::span<const std::byte> packet);
    bool wait_until_written();
    /// Nothing moves: waits for an event. False: enough.
    bool wait_for_progress();
    void progress() {
        m_looks = 0;
        m_stall.store(0, std::memory_order_relaxed);
    }
    bool wait_for_event(uint64_t deadline);
    static void on_event(void* self);
    static void on_written(void* self);

    drivers::ByteChannel* m_channel = nullptr;
    sched::SpinLock m_lock; // the two flags; outside the scheduler's
    sched::WaitQueue m_waiter;
    bool m_event = false;
    bool m_in_flight = false; ///< the device has a packet
    unsigned m_looks = 0;     ///< in vain since the last progress
    uint64_t m_stalls = 0;
    // Told to other threads, which act on a moment's answer: no order is needed.
    std::atomic<uint64_t> m_stall{0};
    std::atomic<bool> m_gives_up{false};
};

} // namespace trace
