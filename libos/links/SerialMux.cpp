#include "libos/links/SerialMux.h"

#include <arch/Processor.h>

#include <algorithm>

namespace links {

using base::Error;
using base::fail;
using base::Result;
using drivers::Uart16550;
using serial::SerialChannel;

namespace {

constexpr SerialChannel id_of(Channel channel) {
    switch (channel) {
    case Channel::Gdb:
        return SerialChannel::Gdb;
    case Channel::Control:
        return SerialChannel::Control;
    case Channel::Console:
        return SerialChannel::Console;
    case Channel::Crash:
        return SerialChannel::Crash;
    case Channel::Trace:
        break;
    }
    return SerialChannel::Trace;
}

} // namespace

SerialMux::SerialMux(Uart16550& uart, bool plain)
    : m_uart(uart)
    , m_link(serial::SerialRole::Guest, plain,
             {.send = {{{}, m_send_gdb, m_send_control, m_send_console, m_send_crash, m_send_trace}},
              .receive = {{{}, m_receive_gdb, m_receive_control, m_receive_console, m_receive_crash, m_receive_trace}}},
             *this) {
    for (size_t i = 1; i < serial::channel_count; ++i) {
        m_ports[i].m_mux = this;
        m_ports[i].m_id = static_cast<SerialChannel>(i);
    }
}

void SerialMux::open(uint64_t timestamp_hz, uint64_t entropy) {
    Locker locker(m_lock);
    m_ticks_per_us = std::max<uint64_t>(timestamp_hz / 1'000'000, 1);
    m_link.start(entropy, now());
}

Result<> SerialMux::start(drivers::Platform& platform, void (*wake)(void*), void* context) {
    m_page_allocator = &platform.pages();
    m_wake_context = context;
    m_wake = wake;
    TRY(platform.connect_interrupt(m_uart.irq(), drivers::InterruptTrigger::Edge, on_interrupt, this));
    Locker locker(m_lock);
    arm_interrupt(true); // for what has come and is to go already
    return {};
}

drivers::ByteChannel& SerialMux::channel(Channel channel) {
    return m_ports[static_cast<size_t>(id_of(channel))];
}

serial::Time SerialMux::now() const {
    return arch::timestamp() / m_ticks_per_us + 1;
}

serial::Link::Statistics SerialMux::statistics() {
    Locker locker(m_lock);
    return m_link.statistics();
}

size_t SerialMux::unacknowledged(Channel channel) {
    Locker locker(m_lock);
    return m_link.unacknowledged(id_of(channel));
}

// --- The line

void SerialMux::receive() {
    std::byte bytes[Uart16550::fifo_size];
    // As much as may have come while this runs, and no more: a line that never rests must not hold the lock.
    for (size_t total = 0; total < 4 * piece;) {
        size_t count = m_uart.receive(bytes);
        if (count == 0)
            break;
        m_link.receive(integers(std::span(bytes).first(count)), now());
        total += count;
    }
    note_state();
}

/// What the link has found, for those who look without the lock.
void SerialMux::note_state() {
    unsigned changes = m_link.take_changes();
    if (changes == 0)
        return;
    m_pending.fetch_or(changes, std::memory_order_relaxed);
    m_up.store(m_link.is_up(), std::memory_order_release);
    m_connection.store(m_link.connection(), std::memory_order_release);
    if (!m_link.is_up()) {
        for (auto& port : m_ports)
            port.m_pages = {}; // the host will not have them; whoever waits is told
    }
}

void SerialMux::fill_from_pages() {
    for (size_t i = 1; i < serial::channel_count; ++i) {
        auto& port = m_ports[i];
        if (port.m_pages.empty())
            continue;
        port.m_pages = port.m_pages.subspan(m_link.write(port.m_id, integers(port.m_pages)));
        if (port.m_pages.empty() && port.m_pages_done != nullptr)
            m_pending.fetch_or(1u << i, std::memory_order_relaxed);
    }
}

/// Sends up to about `budget` bytes. Whether there is more; then either the UART can take it or its interrupt is armed.
bool SerialMux::pump(size_t budget) {
    for (size_t sent = 0;;) {
        if (m_frame.empty()) {
            fill_from_pages();
            m_frame = m_link.next_frame(now());
            note_state(); // time may have ended the session
            if (m_frame.empty()) {
                if (m_room_armed)
                    arm_interrupt(false);
                return false;
            }
        }
        if (sent >= budget)
            return true;
        size_t count = m_uart.write_some(std::as_bytes(m_frame));
        if (count == 0) {
            if (!m_room_armed)
                arm_interrupt(true);
            return false;
        }
        m_frame = m_frame.subspan(count);
        sent += count;
    }
}

/// The line from the UART is edge-triggered and high while any condition holds. Off and on makes an edge of whatever
/// holds now, so nothing is forgotten.
void SerialMux::arm_interrupt(bool for_room) {
    if (m_page_allocator == nullptr)
        return; // not started
    m_room_armed = for_room;
    m_uart.set_interrupts(false, false);
    m_uart.set_interrupts(true, for_room);
}

void SerialMux::on_interrupt(void* self) {
    auto& mux = *static_cast<SerialMux*>(self);
    bool for_thread;
    {
        Locker locker(mux.m_lock);
        mux.receive();
        bool more = mux.pump(piece);
        for_thread = mux.needs_service(more) || mux.m_polled;
        mux.m_polled = false;
        mux.arm_interrupt(mux.m_room_armed && !more);
    }
    mux.tell(for_thread);
}

/// `more` is left to do, or something is due before service() comes by itself. Told once, until it has come.
bool SerialMux::needs_service(bool more) {
    if (!more && (!m_frame.empty() || m_link.deadline() >= m_service_at))
        return false;
    m_service_at = 0;
    return true;
}

uint64_t SerialMux::service() {
    for (size_t i = 0; i < service_pieces; ++i) {
        bool more;
        uint64_t wait = 0;
        {
            Locker locker(m_lock);
            m_polled = false;
            receive();
            more = pump(piece);
            if (!more) {
                // While the UART takes nothing its interrupt is what to wait for.
                serial::Time time = now(), deadline = m_frame.empty() ? m_link.deadline() : serial::no_deadline;
                wait = std::clamp<uint64_t>(deadline > time ? deadline - time : 0, 1, longest_wait);
                m_service_at = time + wait;
            }
        }
        tell(false);
        if (!more)
            return wait;
    }
    return 0;
}

Result<> SerialMux::poll_stopped() {
    if (m_lock.is_held())
        return fail(Error::Busy);
    Locker locker(m_lock);
    receive();
    bool more = pump(4 * piece);
    // When the world goes on the interrupt calls the handlers, and the thread, which slept through the stop, takes up
    // its timers.
    if (!m_polled || (more && !m_room_armed))
        arm_interrupt(true);
    m_polled = true;
    return {};
}

void SerialMux::tell(bool service_needed) {
    // relaxed: what the handlers then look at is under the lock.
    if (m_pending.load(std::memory_order_relaxed) != 0)
        call_handlers(m_pending.exchange(0, std::memory_order_relaxed));
    if (service_needed && m_wake != nullptr)
        m_wake(m_wake_context);
}

void SerialMux::call_handlers(unsigned changes) {
    for (size_t i = 1; i < serial::channel_count; ++i) {
        if ((changes >> i & 1) == 0)
            continue;
        auto& port = m_ports[i];
        drivers::ByteChannel::WriteDone done = nullptr;
        void* context = nullptr;
        {
            Locker locker(m_lock);
            if (port.m_pages.empty()) {
                done = port.m_pages_done;
                context = port.m_pages_context;
                port.m_pages_done = nullptr;
            }
        }
        if (done != nullptr)
            done(context);
        // acquire: pairs with set_event_handler(); the context was written before.
        if (auto handler = port.m_handler.load(std::memory_order_acquire))
            handler(port.m_handler_context);
    }
}

// --- Clear text

void SerialMux::on_text(std::span<const uint8_t> text) {
    for (uint8_t byte : text) {
        if (m_typed_end - m_typed_begin == typed_capacity)
            break; // nobody reads
        m_typed[m_typed_end++ % typed_capacity] = std::byte{byte};
    }
    m_pending.fetch_or(1u << static_cast<unsigned>(SerialChannel::Console), std::memory_order_relaxed);
}

/// Between frames: what remains of one goes first. Returns how much, 0 when the line takes nothing.
size_t SerialMux::write_clear(std::span<const std::byte> bytes) {
    m_frame = m_frame.subspan(m_uart.write(std::as_bytes(m_frame)));
    if (!m_frame.empty())
        return 0;
    return m_uart.write(bytes.first(std::min(bytes.size(), clear_piece)));
}

} // namespace links
