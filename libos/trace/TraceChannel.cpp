#include "libos/trace/TraceChannel.h"

#include "libos/sched/Clock.h"

#include <arch/PageTable.h>

namespace trace {

void TraceChannel::open(drivers::ByteChannel& channel) {
    m_channel = &channel;
    channel.set_event_handler(on_event, this);
}

void TraceChannel::on_event(void* self) {
    auto& channel = *static_cast<TraceChannel*>(self);
    {
        sched::SpinLocker locker(channel.m_lock);
        channel.m_event = true;
    }
    channel.m_waiter.wake_all();
}

void TraceChannel::on_written(void* self) {
    auto& channel = *static_cast<TraceChannel*>(self);
    {
        sched::SpinLocker locker(channel.m_lock);
        channel.m_written = channel.m_event = true;
    }
    channel.m_waiter.wake_all();
}

bool TraceChannel::wait_for_event(uint64_t deadline) {
    auto state = m_lock.lock();
    bool happened = true;
    while (!m_event && happened)
        happened = m_waiter.wait(m_lock, state, deadline).has_value();
    m_event = false;
    m_lock.unlock(state);
    return happened;
}

bool TraceChannel::send_bytes(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        auto written = m_channel->write_some(bytes);
        if (written)
            bytes = bytes.subspan(*written);
        else if (written.error() != base::Error::Again || !wait_for_event(sched::deadline_after(stall_limit_ns)))
            return false;
    }
    return true;
}

bool TraceChannel::send_header(wire::FrameType type, size_t length) {
    wire::FrameHeader header{wire::frame_magic, wire::channel_version, static_cast<uint16_t>(type), 0,
                             static_cast<uint32_t>(length)};
    return send_bytes(std::as_bytes(std::span(&header, 1)));
}

bool TraceChannel::send(wire::FrameType type, std::span<const std::byte> body) {
    return send_header(type, body.size()) && send_bytes(body);
}

bool TraceChannel::send_packet(std::span<const std::byte> packet) {
    if (!send_header(wire::FrameType::TracePacket, packet.size()))
        return false;
    m_written = false;
    for (;;) {
        auto queued = m_channel->write_pages(arch::physical_address_of(packet.data()),
                                             static_cast<uint32_t>(packet.size()), on_written, this);
        if (queued)
            break;
        if (queued.error() != base::Error::Again || !wait_for_event(sched::deadline_after(stall_limit_ns)))
            return false;
    }
    // The device has the packet's memory now: it must not be given back to the ring before it is done, so a host that
    // takes nothing stops the recording here, with the ring discarding and counting, until it takes it or the machine
    // ends.
    for (;;) {
        {
            sched::SpinLocker locker(m_lock);
            if (m_written)
                return true;
        }
        (void)wait_for_event(sched::deadline_after(stall_limit_ns));
    }
}

} // namespace trace
