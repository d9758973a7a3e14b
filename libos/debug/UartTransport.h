#pragma once
// UartTransport: gdb's raw protocol on the second UART. Polled while the world is stopped, by interrupt while it runs.

#include "gdbstub/Transport.h"
#include "libos/drivers/Uart16550.h"

#include <arch/Processor.h>

namespace debug {

class UartTransport final : public gdbstub::Transport {
public:
    constexpr UartTransport()
        : m_uart(drivers::Uart16550::second) {}

    bool initialize() { return m_uart.initialize().has_value(); }
    bool is_present() const { return m_uart.is_present(); }
    unsigned irq() const { return m_uart.irq(); }
    void enable_interrupts() {
        m_by_interrupt = true;
        m_uart.set_receive_interrupt(true);
    }

    void begin_polling() { m_uart.set_receive_interrupt(false); }
    void end_polling() {
        if (m_by_interrupt)
            m_uart.set_receive_interrupt(true); // raises the line at once if bytes wait
    }
    size_t receive(std::span<uint8_t> out) { return m_uart.receive(std::as_writable_bytes(out)); }

    base::Result<size_t> read(std::span<uint8_t> out) override {
        size_t count = 0;
        while (count < out.size()) {
            auto byte = m_uart.read_byte();
            if (!byte)
                break;
            out[count++] = static_cast<uint8_t>(*byte);
        }
        return count;
    }

    base::Result<> write(std::span<const uint8_t> bytes) override {
        // A host that takes nothing for a while may come back: the stub waits for it as long as it takes.
        auto rest = std::as_bytes(bytes);
        while (!rest.empty())
            rest = rest.subspan(m_uart.write(rest));
        return {};
    }

    void idle() override { arch::relax(); }

private:
    drivers::Uart16550 m_uart;
    bool m_by_interrupt = false;
};

} // namespace debug
