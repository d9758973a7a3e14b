#include "libos/drivers/SerialChannel.h"

#include <arch/Processor.h>

namespace drivers {

base::Result<> SerialChannel::start(Platform& platform) {
    m_platform = &platform;
    TRY(platform.connect_interrupt(m_uart.irq(), InterruptTrigger::Edge, on_interrupt, this));
    m_uart.set_receive_interrupt(true); // raises the line at once if bytes wait
    return {};
}

void SerialChannel::on_interrupt(void* self) {
    auto& channel = *static_cast<SerialChannel*>(self);
    if (channel.m_event_handler != nullptr)
        channel.m_event_handler(channel.m_event_context);
}

void SerialChannel::set_event_handler(EventHandler handler, void* context) {
    sched::NoStopLocker locker(m_lock);
    m_event_handler = handler;
    m_event_context = context;
}

base::Result<size_t> SerialChannel::write_some(std::span<const std::byte> bytes) {
    if (bytes.empty())
        return size_t{0};
    sched::NoStopLocker locker(m_lock);
    size_t count = m_uart.write_some(bytes);
    if (count == 0)
        return base::fail(m_uart.is_present() ? base::Error::Again : base::Error::BrokenPipe);
    return count;
}

base::Result<> SerialChannel::write_pages(memory::PhysicalAddress, uint32_t, WriteDone, void*) {
    return base::fail(base::Error::NotSupported);
}

size_t SerialChannel::read(std::span<std::byte> out) {
    sched::NoStopLocker locker(m_lock);
    return m_uart.receive(out);
}

base::Result<> SerialChannel::poll_stopped() {
    // What arrives in a stop latches the interrupt's edge: the handler runs when the world goes on, and finds what is
    // left.
    if (m_lock.is_held())
        return base::fail(base::Error::Busy);
    return {};
}

base::Result<> SerialChannel::polled_write(std::span<const std::byte> bytes, uint32_t stall_ms) {
    uint64_t limit = m_platform != nullptr ? m_platform->timestamp_hz() / 1000 * stall_ms : 0;
    uint64_t start = arch::timestamp();
    while (!bytes.empty()) {
        size_t count = m_uart.write_some(bytes);
        if (count != 0) {
            bytes = bytes.subspan(count);
            start = arch::timestamp();
        } else if (!m_uart.is_present()) {
            return base::fail(base::Error::BrokenPipe);
        } else if (arch::timestamp() - start > limit) {
            return base::fail(base::Error::TimedOut);
        } else {
            arch::relax();
        }
    }
    return {};
}

base::Result<> SerialChannel::polled_write_pages(memory::PhysicalAddress, uint32_t, uint32_t) {
    return base::fail(base::Error::NotSupported);
}

base::Result<> SerialChannel::polled_flush(uint32_t) {
    return {};
}

base::Result<size_t> SerialChannel::polled_read(std::span<std::byte> out) {
    return m_uart.receive(out);
}

} // namespace drivers
