#pragma once
// FakeUart: the registers of a 16550A as far as a driver can see them, and its interrupt line. The other end of the
// line is the test. Calls from several threads are in order.

#include "tests/unit/drivers/FakeMachine.h"

#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <utility>

namespace drivers::test {

class FakeUart final : public FakeRegisters {
public:
    uint32_t read(uint64_t offset, unsigned) override {
        std::lock_guard guard(m_mutex);
        if (on_access)
            on_access();
        uint32_t value = read_register(offset);
        update_line();
        return value;
    }
    void write(uint64_t offset, uint32_t value, unsigned) override {
        std::lock_guard guard(m_mutex);
        write_register(offset, value);
        update_line();
    }

    /// What the driver sent since the last call; from here on the transmit FIFO is empty.
    std::string take_sent() {
        std::lock_guard guard(m_mutex);
        std::string bytes;
        bytes.swap(sent);
        update_line();
        return bytes;
    }
    /// Puts bytes on the line to the driver, as far as they fit into the FIFO; returns how many.
    size_t receive(std::string_view bytes) {
        std::lock_guard guard(m_mutex);
        size_t count = std::min(bytes.size(), fifo_size - std::min(received.size(), fifo_size));
        received.insert(received.end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(count));
        update_line();
        return count;
    }
    /// Whether the interrupt line rose since the last call.
    bool take_edge() {
        std::lock_guard guard(m_mutex);
        return std::exchange(m_edge, false);
    }

    static constexpr size_t fifo_size = 16;

    std::deque<char> received;
    std::deque<char> waiting; ///< on the line, not in the UART yet
    std::string sent;
    bool takes_bytes = true;
    bool slow = false; ///< the transmit FIFO is empty only after take_sent()
    bool overrun = false;
    unsigned status_reads = 0;
    uint32_t divisor = 0, interrupt_enable = 0xff, fifo_control = 0, line_control = 0, modem_control = 0, scratch = 0;
    std::function<void()> on_access; ///< in every read of a register

private:
    bool has_room() const { return takes_bytes && (!slow || sent.empty()); }
    void send(char byte) {
        sent.push_back(byte);
        // For a moment the FIFO is not empty.
        m_level = m_level && (interrupt_enable & 1) != 0 && !received.empty();
    }
    void update_line() {
        bool level = ((interrupt_enable & 1) != 0 && !received.empty()) || ((interrupt_enable & 2) != 0 && has_room());
        level = level && (modem_control & 8) != 0;
        m_edge |= level && !m_level;
        m_level = level;
    }
    uint32_t read_register(uint64_t offset) {
        switch (offset) {
        case 0: {
            if (received.empty())
                return 0;
            uint8_t byte = static_cast<uint8_t>(received.front());
            received.pop_front();
            // Without FIFO the line waits for the one byte to be taken, and the next comes at once.
            if ((fifo_control & 1) == 0 && (modem_control & 0x10) == 0 && !waiting.empty()) {
                received.push_back(waiting.front());
                waiting.pop_front();
            }
            return byte;
        }
        case 5: {
            ++status_reads;
            uint8_t status = (received.empty() ? 0 : 1) | (overrun ? 2 : 0) | (has_room() ? 0x20 : 0);
            overrun = false;
            return status;
        }
        case 7:
            return scratch;
        default:
            return 0;
        }
    }
    void write_register(uint64_t offset, uint32_t value) {
        bool divisor_latch = (line_control & 0x80) != 0;
        switch (offset) {
        case 0:
            if (divisor_latch)
                divisor = value;
            else
                send(static_cast<char>(value));
            break;
        case 1:
            if (!divisor_latch)
                interrupt_enable = value;
            break;
        case 2:
            if ((value & 1) != 0)
                received.clear(); // enabling the FIFOs empties them
            fifo_control = value;
            break;
        case 3:
            line_control = value;
            break;
        case 4:
            modem_control = value;
            if ((value & 0x10) == 0) {
                received.insert(received.end(), waiting.begin(), waiting.end());
                waiting.clear();
            }
            break;
        case 7:
            scratch = value;
            break;
        default:
            break;
        }
    }

    std::mutex m_mutex;
    bool m_level = false;
    bool m_edge = false;
};

} // namespace drivers::test
