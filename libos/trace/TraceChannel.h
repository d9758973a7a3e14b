#pragma once
// TraceChannel: frames on a link's trace channel, packets without copying where the link can. One thread uses it.

#include "libos/drivers/ByteChannel.h"
#include "libos/sched/WaitQueue.h"
#include "probes/wire/Channel.h"

#include <span>

namespace trace {

class TraceChannel {
public:
    constexpr TraceChannel() = default;

    void open(drivers::ByteChannel& channel);
    bool is_open() const { return m_channel != nullptr; }

    /// Each waits until the host has taken all, at most stall_limit_ns without progress. False: the host is gone or
    /// stuck.
    bool send(wire::FrameType type, std::span<const std::byte> body);
    /// `packet` is physically contiguous and stays as it is until this returns.
    bool send_packet(std::span<const std::byte> packet);

private:
    static constexpr uint64_t stall_limit_ns = 5'000'000'000;

    bool send_header(wire::FrameType type, size_t length);
    bool send_bytes(std::span<const std::byte> bytes);
    bool wait_for_event(uint64_t deadline);
    static void on_event(void* self);
    static void on_written(void* self);

    drivers::ByteChannel* m_channel = nullptr;
    sched::SpinLock m_lock; // the two flags; outside the scheduler's
    sched::WaitQueue m_waiter;
    bool m_event = false;
    bool m_written = false;
};

} // namespace trace
