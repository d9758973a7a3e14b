#include "libos/console/Console.h"

#include "libos/drivers/Uart16550.h"
#include "libos/fs/OpenFile.h"
#include "libos/memory/UserMemory.h"
#include "libos/sched/WaitQueue.h"
#include "libos/trace/Events.h"

namespace console {

namespace {

constinit drivers::Uart16550 g_uart(drivers::Uart16550::first);
constinit uint32_t g_log_level = 0;

class UartConsole final : public fs::Console {
public:
    base::Result<> write(std::span<const std::byte> bytes) override {
        trace::console_write(bytes.size());
        // Interrupts come in between pieces; a line of output of one write() stays together.
        while (!bytes.empty()) {
            auto piece = bytes.first(bytes.size() < piece_size ? bytes.size() : piece_size);
            {
                sched::SpinLocker locker(m_output_lock);
                g_uart.write(piece); // a host that takes nothing loses the text: it must not stop the app
            }
            bytes = bytes.subspan(piece.size());
        }
        return {};
    }

    base::Result<size_t> read(std::span<std::byte> to, sched::Deadline deadline) override {
        if (m_input == Input::None)
            return 0;
        auto state = m_lock.lock();
        for (;;) {
            if (size_t count = take(to); count != 0 || m_end_of_input) {
                m_end_of_input = m_end_of_input && m_input == Input::Pipe;
                m_lock.unlock(state);
                return count;
            }
            auto waited = deadline == 0 ? base::Result<>(base::fail(base::Error::Again))
                                        : m_readers.wait(m_lock, state, deadline);
            if (!waited) {
                m_lock.unlock(state);
                return base::fail(waited.error());
            }
        }
    }

    size_t readable_bytes() override {
        sched::SpinLocker locker(m_lock);
        return m_line_end - m_read;
    }

    bool is_terminal() override { return m_input == Input::Terminal; }
    fs::TerminalAttributes attributes() override { return m_attributes; }
    void set_attributes(const fs::TerminalAttributes& attributes) override { m_attributes = attributes; }
    fs::TerminalSize size() override { return {24, 80, 0, 0}; }

    void start(Input input, drivers::Platform& platform) {
        m_input = input;
        if (input == Input::None || !g_uart.is_present())
            return;
        auto receive = [](void* self) { static_cast<UartConsole*>(self)->receive(); };
        if (platform.connect_interrupt(g_uart.irq(), drivers::InterruptTrigger::Edge, receive, this))
            g_uart.set_receive_interrupt(true);
    }

    void print(std::string_view text) {
        sched::SpinLocker locker(m_output_lock);
        g_uart.write(std::as_bytes(std::span(text)));
    }

private:
    static constexpr size_t piece_size = 512;
    static constexpr size_t buffer_size = 4096;
    static constexpr std::byte end_of_file{4}; // Ctrl-D
    static constexpr std::byte escape{0x10};   // from a pipe, what follows is data

    size_t take(std::span<std::byte> to) {
        size_t count = 0;
        while (count < to.size() && m_read != m_line_end)
            to[count++] = m_buffer[m_read++ % buffer_size];
        return count;
    }

    /// Interrupt handler. Canonical mode without editing: the host's terminal edits lines before it sends them.
    void receive() {
        std::byte bytes[drivers::Uart16550::fifo_size];
        bool woke = false;
        for (size_t count; (count = g_uart.receive(bytes)) != 0;) {
            sched::SpinLocker locker(m_lock);
            for (size_t i = 0; i < count; ++i) {
                if (!m_escaped && bytes[i] == end_of_file) {
                    m_end_of_input = true;
                } else if (!m_escaped && bytes[i] == escape) {
                    m_escaped = true;
                    continue;
                } else if (m_line_end - m_read < buffer_size) {
                    m_buffer[m_line_end++ % buffer_size] = bytes[i];
                }
                m_escaped = false;
                woke = true;
            }
            if (count < sizeof(bytes))
                break;
        }
        if (woke) {
            m_readers.wake_all();
            fs::readiness_changed();
        }
    }

    sched::SpinLock m_output_lock; // leaf
    sched::SpinLock m_lock;        // input; outside the scheduler's
    sched::WaitQueue m_readers;
    Input m_input = Input::None;
    fs::TerminalAttributes m_attributes{0x500,  5, 0xbf,
                                        0x8a3b, 0, {3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22}};
    std::byte m_buffer[buffer_size] = {};
    uint64_t m_read = 0;
    uint64_t m_line_end = 0;
    bool m_end_of_input = false;
    bool m_escaped = false;
};

constinit UartConsole g_console;

} // namespace

void initialize() {
    (void)g_uart.initialize();
}
void start_input(Input input, drivers::Platform& platform) {
    g_console.start(input, platform);
}
fs::Console& device() {
    return g_console;
}
void set_log_level(uint32_t level) {
    g_log_level = level;
}

void log(uint32_t level, std::string_view text) {
    if (level <= g_log_level)
        g_console.print(text);
}

void write_polled(std::string_view text) {
    g_uart.write(std::as_bytes(std::span(text)));
}

} // namespace console
