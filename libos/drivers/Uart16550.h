#pragma once
// Uart16550: a 16550A serial port by polling, with an interrupt for what arrives and for room to send.
//
// Owns one UART's registers. There is no lock inside: everything here may be called in a stopped world, in an NMI or
// from a crash. So callers keep order among themselves: one writer at a time and one reader at a time; the two
// directions are independent. Register map and bits: National Semiconductor PC16550D data sheet, section 8.
//
// Cost: a port access each (about 1 us in a VM). write() takes 17 accesses for 16 bytes.

#include "libos/base/Result.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace drivers {

class Uart16550 {
public:
    struct Location {
        uint16_t port;
        unsigned irq; ///< ISA interrupt line: the same number on the I/O APIC of q35 and microvm
    };
    static constexpr Location first{0x3f8, 4};
    static constexpr Location second{0x2f8, 3};

    constexpr explicit Uart16550(Location location)
        : m_port(location.port)
        , m_irq(location.irq) {}
    Uart16550(const Uart16550&) = delete;
    Uart16550& operator=(const Uart16550&) = delete;

    /// 115200 8N1, FIFOs on, interrupts off. A byte that had already arrived is kept for read_byte().
    /// Error::NoSuchDevice when there is no UART; every other call is then harmless and does nothing.
    base::Result<> initialize();
    bool is_present() const { return m_present; }
    unsigned irq() const { return m_irq; }

    /// Sends bytes and waits for room, up to `stall_limit` status reads in a row. Returns how many were sent: fewer
    /// than asked means that the host takes nothing. After a stall, calls send only what fits at once, until the line
    /// moves again: a dead host end costs its wait once, not once a byte.
    size_t write(std::span<const std::byte> bytes);
    /// The same without any wait: at most one FIFO.
    size_t write_some(std::span<const std::byte> bytes);

    /// The next byte that has arrived, if any. Never waits.
    std::optional<std::byte> read_byte();

    /// Raises irq() while received bytes wait. Off after initialize(), and to be off while a stopped world polls.
    void set_receive_interrupt(bool enabled) { set_interrupts(enabled, false); }
    /// `room`: also while the transmit FIFO is empty, beginning at once if it is. Off and on again makes an edge of
    /// whatever holds.
    void set_interrupts(bool receive, bool room);

    /// Interrupt handler's part: moves what has arrived into `buffer` and so quiets the line. Returns the count.
    /// Call until it returns less than the buffer holds, or the line stays raised with no new edge.
    size_t receive(std::span<std::byte> buffer);

    /// Bytes that arrived and were overwritten by the next before anybody read them: the count of such events.
    uint32_t overruns() const { return m_overruns; }

    /// About a quarter of a second of status reads in a VM; 16 bytes at 115200 baud take 1.4 ms on a real line.
    static constexpr unsigned stall_limit = 200'000;
    static constexpr size_t fifo_size = 16;

private:
    uint8_t read_register(unsigned index) const;
    void write_register(unsigned index, uint8_t value) const;
    uint8_t line_status();
    bool wait_for_room(unsigned limit);

    uint16_t m_port;
    unsigned m_irq;
    bool m_present = false;
    bool m_stalled = false;
    std::optional<std::byte> m_early;
    uint32_t m_overruns = 0;
};

} // namespace drivers
