#include "libos/drivers/Uart16550.h"

#include <arch/Io.h>
#include <arch/Processor.h>

#include <algorithm>

namespace drivers {

namespace {

enum Register : unsigned {
    Data = 0,            // receive buffer, transmit holding; divisor low while DivisorLatch is set
    InterruptEnable = 1, // divisor high while DivisorLatch is set
    FifoControl = 2,
    LineControl = 3,
    ModemControl = 4,
    LineStatus = 5,
    Scratch = 7,
};

enum InterruptEnableBits : uint8_t { ReceivedData = 0x01, TransmitterEmpty = 0x02 };
enum FifoControlBits : uint8_t { EnableFifos = 0x01, ClearReceive = 0x02, ClearTransmit = 0x04, Trigger14 = 0xc0 };
enum LineControlBits : uint8_t { EightBits = 0x03, DivisorLatch = 0x80 };
enum ModemControlBits : uint8_t {
    TerminalReady = 0x01,
    RequestToSend = 0x02,
    Out2GatesInterrupt = 0x08,
    Loopback = 0x10
};
enum LineStatusBits : uint8_t { DataReady = 0x01, Overrun = 0x02, TransmitEmpty = 0x20 };

constexpr uint8_t divisor_115200 = 1;

} // namespace

uint8_t Uart16550::read_register(unsigned index) const {
    return arch::port_read8(static_cast<uint16_t>(m_port + index));
}

void Uart16550::write_register(unsigned index, uint8_t value) const {
    arch::port_write8(static_cast<uint16_t>(m_port + index), value);
}

/// Reading clears the error bits, so overruns are counted here.
uint8_t Uart16550::line_status() {
    uint8_t status = read_register(LineStatus);
    if ((status & Overrun) != 0)
        ++m_overruns;
    return status;
}

base::Result<> Uart16550::initialize() {
    m_present = false;
    // A port that nobody decodes reads all ones; then the scratch register must hold two patterns.
    if (read_register(LineStatus) == 0xff)
        return base::fail(base::Error::NoSuchDevice);
    for (uint8_t pattern : {0x5a, 0xa5}) {
        write_register(Scratch, pattern);
        if (read_register(Scratch) != pattern)
            return base::fail(base::Error::NoSuchDevice);
    }

    write_register(InterruptEnable, 0);
    write_register(LineControl, DivisorLatch | EightBits);
    write_register(Data, divisor_115200);
    write_register(InterruptEnable, 0);
    write_register(LineControl, EightBits);
    // Switching the FIFOs on empties the receiver, and a debugger that connected before the boot has its first byte
    // there. In loopback no next byte follows it in, which would be lost.
    write_register(ModemControl, Loopback);
    m_early.reset();
    if ((line_status() & DataReady) != 0)
        m_early = std::byte{read_register(Data)};
    // QEMU hands over as many bytes at once as the trigger level asks for; fewer raise the line after 4 byte times.
    write_register(FifoControl, EnableFifos | ClearReceive | ClearTransmit | Trigger14);
    write_register(ModemControl, TerminalReady | RequestToSend | Out2GatesInterrupt);
    m_stalled = false;
    m_overruns = 0;
    m_present = true;
    return {};
}

bool Uart16550::wait_for_room(unsigned limit) {
    for (unsigned attempt = 0;; ++attempt) {
        if ((line_status() & TransmitEmpty) != 0) {
            m_stalled = false;
            return true;
        }
        if (attempt >= limit)
            return false;
        arch::relax();
    }
}

size_t Uart16550::write_some(std::span<const std::byte> bytes) {
    if (!m_present || bytes.empty() || !wait_for_room(0))
        return 0;
    // The bit says that the whole FIFO is empty, so all of it can be filled.
    size_t count = std::min(bytes.size(), fifo_size);
    for (std::byte byte : bytes.first(count))
        write_register(Data, std::to_integer<uint8_t>(byte));
    return count;
}

size_t Uart16550::write(std::span<const std::byte> bytes) {
    size_t sent = 0;
    while (m_present && sent < bytes.size()) {
        if (!wait_for_room(m_stalled ? 0 : stall_limit)) {
            m_stalled = true;
            break;
        }
        sent += write_some(bytes.subspan(sent));
    }
    return sent;
}

std::optional<std::byte> Uart16550::read_byte() {
    if (m_early) {
        auto byte = m_early;
        m_early.reset();
        return byte;
    }
    if (!m_present || (line_status() & DataReady) == 0)
        return std::nullopt;
    return std::byte{read_register(Data)};
}

void Uart16550::set_interrupts(bool receive, bool room) {
    if (m_present)
        write_register(InterruptEnable,
                       static_cast<uint8_t>((receive ? ReceivedData : 0) | (room ? TransmitterEmpty : 0)));
}

size_t Uart16550::receive(std::span<std::byte> buffer) {
    size_t count = 0;
    while (count < buffer.size()) {
        auto byte = read_byte();
        if (!byte)
            break;
        buffer[count++] = *byte;
    }
    return count;
}

} // namespace drivers
