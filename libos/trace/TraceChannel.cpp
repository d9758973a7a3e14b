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
        channel.m_in_flight = false;
        channel.m_event = true;
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

void TraceChannel::begin() {
    m_gives_up.store(false, std::memory_order_relaxed);
    progress();
}

void TraceChannel::give_up() {
    m_gives_up.store(true, std::memory_order_relaxed);
}

bool TraceChannel::wait_for_progress() {
    if (m_stall.load(std::memory_order_relaxed) == 0)
        m_stall.store(++m_stalls, std::memory_order_relaxed);
    if (m_looks > stall_looks)
        give_up();
    if (m_gives_up.load(std::memory_order_relaxed)) {
        progress(); // nobody waits any more
        return false;
    }
    // An event is a sign of life: a slow line has taken a part of the pages.
    if (wait_for_event(sched::deadline_after(look_ns)))
        progress();
    else
        ++m_looks;
    return true;
}

bool TraceChannel::send_bytes(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        auto written = m_channel->write_some(bytes);
        if (written) {
            bytes = bytes.subspan(*written);
            progress();
        } else if (written.error() != base::Error::Again || !wait_for_progress()) {
            return false;
        }
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

bool TraceChannel::wait_until_written() {
    for (;;) {
        {
            sched::SpinLocker locker(m_lock);
            if (!m_in_flight)
                break;
        }
        if (!wait_for_progress())
            return false;
    }
    progress();
    return true;
}

bool TraceChannel::send_pages(std::span<const std::byte> packet) {
    for (;;) {
        {
            sched::SpinLocker locker(m_lock);
            m_in_flight = true; // before the device can be done with it
        }
        auto queued = m_channel->write_pages(arch::physical_address_of(packet.data()),
                                             static_cast<uint32_t>(packet.size()), on_written, this);
        if (queued)
            return true;
        {
            sched::SpinLocker locker(m_lock);
            m_in_flight = false;
        }
        if (queued.error() != base::Error::Again || !wait_for_progress())
            return false;
    }
}

bool TraceChannel::send_packet(std::span<const std::byte> packet) {
    // What an earlier recording left with the device goes first.
    return wait_until_written() && send_header(wire::FrameType::TracePacket, packet.size()) && send_pages(packet) &&
           wait_until_written();
}

} // namespace trace
