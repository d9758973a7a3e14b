#pragma once
// SerialChannel: a raw UART as a byte channel. There is no framing and no peer to be seen: a host is always connected,
// and what it sent while nobody read is gone after the FIFO's 16 bytes.

#include "libos/drivers/ByteChannel.h"
#include "libos/drivers/Platform.h"
#include "libos/drivers/Uart16550.h"
#include "libos/sched/SpinLock.h"

namespace drivers {

class SerialChannel final : public ByteChannel {
public:
    constexpr explicit SerialChannel(Uart16550::Location location)
        : m_uart(location) {}

    /// Error::NoSuchDevice when there is no UART. From here on the stopped and polled calls work.
    base::Result<> initialize() { return m_uart.initialize(); }
    bool is_present() const { return m_uart.is_present(); }
    /// Thread context, once: from here on the event handler is called.
    base::Result<> start(Platform& platform);

    bool is_host_connected() const override { return m_uart.is_present(); }
    uint32_t connection() const override { return 1; }
    /// The handler reads until nothing is left, or no further interrupt comes.
    void set_event_handler(EventHandler handler, void* context) override;
    base::Result<size_t> write_some(std::span<const std::byte> bytes) override;
    /// Error::NotSupported: what has pages to send needs frames around them.
    base::Result<> write_pages(memory::PhysicalAddress address, uint32_t length, WriteDone done,
                               void* context) override;
    size_t read(std::span<std::byte> out) override;
    base::Result<> poll_stopped() override;

    base::Result<> polled_write(std::span<const std::byte> bytes, uint32_t stall_ms) override;
    base::Result<> polled_write_pages(memory::PhysicalAddress address, uint32_t length, uint32_t stall_ms) override;
    base::Result<> polled_flush(uint32_t stall_ms) override;
    base::Result<size_t> polled_read(std::span<std::byte> out) override;

private:
    static void on_interrupt(void* self);

    Platform* m_platform = nullptr;
    sched::NoStopLock m_lock; // a leaf
    Uart16550 m_uart;
    EventHandler m_event_handler = nullptr;
    void* m_event_context = nullptr;
};

} // namespace drivers
