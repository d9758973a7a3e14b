#include "libos/console/Console.h"

#include "libos/drivers/Uart16550.h"
#include "libos/fs/OpenFile.h"
#include "libos/memory/UserMemory.h"
#include "libos/sched/Clock.h"
#include "libos/sched/WaitQueue.h"
#include "libos/trace/Events.h"

#include <algorithm>
#include <atomic>

namespace console {

namespace {

constinit drivers::Uart16550 g_uart(drivers::Uart16550::first);
constinit drivers::ByteChannel* g_channel = nullptr; // instead of the UART
constinit bool g_has_uart = true;
constinit uint32_t g_log_level = 0;

class UartConsole final : public fs::Console {
public:
    base::Result<> write(std::span<const std::byte> bytes) override {
        trace::console_write(bytes.size());
        // Interrupts come in between pieces; a line of output of one write() stays together.
        while (!bytes.empty()) {
            auto piece = bytes.first(bytes.size() < piece_size ? bytes.size() : piece_size);
            if (g_channel != nullptr) {
                write_to_channel(piece);
            } else if (g_has_uart) {
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
                if (g_channel != nullptr)
                    fill_from_channel(); // there is room for more
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
        if (g_channel != nullptr) {
            g_channel->set_event_handler([](void* self) { static_cast<UartConsole*>(self)->channel_event(); }, this);
            channel_event();
            return;
        }
        if (input == Input::None || !g_has_uart || !g_uart.is_present())
            return;
        auto receive = [](void* self) { static_cast<UartConsole*>(self)->receive(); };
        if (platform.connect_interrupt(g_uart.irq(), drivers::InterruptTrigger::Edge, receive, this))
            g_uart.set_receive_interrupt(true);
    }

    size_t write_some(std::string_view text) {
        auto bytes = std::as_bytes(std::span(text));
        sched::SpinLocker locker(m_output_lock);
        if (g_channel != nullptr) {
            for (size_t sent = 1; sent != 0 && !bytes.empty(); bytes = bytes.subspan(sent))
                sent = g_channel->write_some(bytes).value_or(0);
            return text.size() - bytes.size();
        }
        if (g_has_uart)
            g_uart.write(bytes); // what a host does not take is lost, and a console that nobody has
        return text.size();
    }

private:
    static constexpr size_t piece_size = 512;
    static constexpr uint64_t channel_patience_ns = 1'000'000'000;
    static constexpr size_t buffer_size = 4096;
    static constexpr std::byte end_of_file{4}; // Ctrl-D
    static constexpr std::byte escape{0x10};   // from a pipe, what follows is data

    size_t take(std::span<std::byte> to) {
        size_t count = 0;
        while (count < to.size() && m_read != m_line_end)
            to[count++] = m_buffer[m_read++ % buffer_size];
        return count;
    }

    /// Thread context. A host that takes nothing for a while loses the text: it must not stop the app.
    void write_to_channel(std::span<const std::byte> bytes) {
        auto deadline = sched::deadline_after(channel_patience_ns);
        while (!bytes.empty()) {
            uint64_t seen = m_channel_events.load(std::memory_order_acquire);
            base::Result<size_t> written = base::fail(base::Error::Again);
            {
                sched::SpinLocker locker(m_output_lock);
                written = g_channel->write_some(bytes);
            }
            if (written) {
                bytes = bytes.subspan(*written);
                deadline = sched::deadline_after(channel_patience_ns);
            } else if (written.error() != base::Error::Again || !wait_for_channel(seen, deadline)) {
                return;
            }
        }
    }

    /// Until something happened at the channel since `seen` was read. False past the deadline.
    bool wait_for_channel(uint64_t seen, sched::Deadline deadline) {
        auto state = m_lock.lock();
        base::Result<> waited;
        while (waited && m_channel_events.load(std::memory_order_relaxed) == seen)
            waited = m_writers.wait(m_lock, state, deadline);
        m_lock.unlock(state);
        return waited.has_value();
    }

    /// The channel's event handler, in any context that may take a lock.
    void channel_event() {
        {
            sched::SpinLocker locker(m_lock);
            m_channel_events.fetch_add(1, std::memory_order_release);
        }
        m_writers.wake_all();
        fill_from_channel();
    }

    /// As much as there is room for, so that the channel's flow control reaches the host.
    void fill_from_channel() {
        if (m_input == Input::None)
            return;
        bool woke = false;
        {
            sched::SpinLocker locker(m_lock);
            std::byte bytes[64];
            while (size_t room = std::min(buffer_size - (m_line_end - m_read), sizeof(bytes))) {
                size_t count = g_channel->read(std::span(bytes).first(room));
                if (count == 0)
                    break;
                woke |= take_in(std::span(bytes).first(count));
            }
        }
        if (woke)
            tell_readers();
    }

    /// Interrupt handler.
    void receive() {
        std::byte bytes[drivers::Uart16550::fifo_size];
        bool woke = false;
        for (size_t count; (count = g_uart.receive(bytes)) != 0;) {
            {
                sched::SpinLocker locker(m_lock);
                woke |= take_in(std::span(bytes).first(count));
            }
            if (count < sizeof(bytes))
                break;
        }
        if (woke)
            tell_readers();
    }

    void tell_readers() {
        m_readers.wake_all();
        fs::readiness_changed();
    }

    /// Canonical mode without editing: the host's terminal edits lines before it sends them. Whether a reader has
    /// something to see. m_lock held.
    bool take_in(std::span<const std::byte> bytes) {
        bool woke = false;
        for (std::byte byte : bytes) {
            if (!m_escaped && byte == end_of_file) {
                m_end_of_input = true;
            } else if (!m_escaped && byte == escape) {
                m_escaped = true;
                continue;
            } else if (m_line_end - m_read < buffer_size) {
                m_buffer[m_line_end++ % buffer_size] = byte;
            }
            m_escaped = false;
            woke = true;
        }
        return woke;
    }

    sched::SpinLock m_output_lock; // leaf
    sched::SpinLock m_lock;        // input; outside the scheduler's
    sched::WaitQueue m_readers;
    sched::WaitQueue m_writers;
    std::atomic<uint64_t> m_channel_events{0}; // changes under m_lock
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
drivers::Uart16550& uart() {
    return g_uart;
}
void use(drivers::ByteChannel& channel) {
    g_channel = &channel;
}
void give_up_uart() {
    g_has_uart = false;
}
void set_log_level(uint32_t level) {
    g_log_level = level;
}

void log(uint32_t level, std::string_view text) {
    if (level <= g_log_level)
        (void)g_console.write_some(text); // any context: what does not fit now is lost
}

size_t write_some(std::string_view text) {
    return g_console.write_some(text);
}

void write_polled(std::string_view text) {
    constexpr uint32_t stall_ms = 1000;
    auto bytes = std::as_bytes(std::span(text));
    if (g_channel != nullptr)
        (void)g_channel->polled_write(bytes, stall_ms);
    else if (g_has_uart)
        g_uart.write(bytes);
}

} // namespace console
