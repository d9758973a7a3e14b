#include "libos/drivers/ConsolePort.h"

#include "libos/base/Bits.h"
#include "libos/drivers/VirtioConsole.h"

#include <arch/Processor.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace drivers {

void ConsolePort::set_event_handler(EventHandler handler, void* context) {
    sched::NoStopLocker locker(m_receive_lock);
    m_event_handler = handler;
    m_event_context = context;
}

base::Result<> ConsolePort::open(Platform& platform) {
    if (m_open)
        return {};
    auto& pages = platform.pages();
    m_platform = &platform;
    for (auto& page : m_receive_pages) {
        if (page == 0)
            page = TRY(pages.allocate_page()); // the host fills it
    }
    for (unsigned i = 0; i < bounce_count; ++i) {
        if (m_bounce[i] == 0)
            m_bounce[i] = TRY(pages.allocate_zeroed_page());
    }
    m_bounce_free = (1u << bounce_count) - 1;
    for (unsigned i = 0; i < receive_count; ++i)
        TRY(post_receive(i));
    kick(m_receive, m_receive_index);
    m_open = true;
    return {};
}

void ConsolePort::set_host_connected(bool connected) {
    if (m_host_connected.exchange(connected, std::memory_order_acq_rel) != connected) {
        m_connection.fetch_add(1, std::memory_order_acq_rel);
        m_connection_changed.store(true, std::memory_order_release);
    }
}

void ConsolePort::kick(VirtQueue& queue, uint16_t index) {
    if (queue.needs_notification())
        m_transport->notify(index);
}

// --- Sending

base::Result<> ConsolePort::check_writable() const {
    if (!m_open || !is_host_connected())
        return base::fail(base::Error::BrokenPipe);
    if (m_transmit.is_broken())
        return base::fail(base::Error::Io);
    return {};
}

base::Result<> ConsolePort::send(PhysicalAddress address, uint32_t length, const Write& write) {
    BufferSegment segment{address, length, false};
    uint16_t buffer = TRY(m_transmit.add({&segment, 1}));
    m_writes[buffer] = write;
    if (write.done != nullptr)
        ++m_pages_in_flight;
    return {};
}

/// Fills bounce pages with as much as fits. Error::Again when not a byte does.
base::Result<size_t> ConsolePort::send_copy(std::span<const std::byte> bytes) {
    size_t sent = 0;
    while (sent < bytes.size() && m_bounce_free != 0 && m_transmit.free_descriptors() != 0) {
        auto bounce = static_cast<uint8_t>(std::countr_zero(m_bounce_free));
        size_t length = std::min<size_t>(bytes.size() - sent, page_size);
        std::memcpy(m_platform->pages().to_pointer(m_bounce[bounce]), bytes.data() + sent, length);
        TRY(send(m_bounce[bounce], static_cast<uint32_t>(length), {nullptr, nullptr, bounce}));
        m_bounce_free &= ~(1u << bounce);
        sent += length;
    }
    if (sent == 0)
        return base::fail(base::Error::Again);
    kick(m_transmit, m_transmit_index);
    return sent;
}

bool ConsolePort::reclaim_one(Write& finished) {
    auto completion = m_transmit.take_used();
    if (!completion)
        return false;
    finished = m_writes[completion->buffer];
    if (finished.done != nullptr)
        --m_pages_in_flight;
    else
        m_bounce_free |= 1u << finished.bounce;
    return true;
}

/// True if anything came back.
bool ConsolePort::reclaim_and_report() {
    for (bool any = false;; any = true) {
        Write finished;
        {
            sched::NoStopLocker locker(m_transmit_lock);
            if (!reclaim_one(finished))
                return any;
        }
        if (finished.done != nullptr)
            finished.done(finished.context);
    }
}

base::Result<size_t> ConsolePort::write_some(std::span<const std::byte> bytes) {
    if (bytes.empty())
        return size_t{0};
    reclaim_and_report();
    sched::NoStopLocker locker(m_transmit_lock);
    TRY(check_writable());
    return send_copy(bytes);
}

base::Result<> ConsolePort::write_pages(PhysicalAddress address, uint32_t length, WriteDone done, void* context) {
    if (length == 0 || done == nullptr)
        return base::fail(base::Error::Invalid);
    reclaim_and_report();
    sched::NoStopLocker locker(m_transmit_lock);
    TRY(check_writable());
    TRY(send(address, length, {done, context, 0}));
    kick(m_transmit, m_transmit_index);
    return {};
}

// --- Receiving

base::Result<> ConsolePort::post_receive(unsigned buffer) {
    BufferSegment segment{m_receive_pages[buffer], page_size, true};
    uint16_t number = TRY(m_receive.add({&segment, 1}));
    m_receive_buffer[number] = static_cast<uint8_t>(buffer);
    return {};
}

size_t ConsolePort::take_received(std::span<std::byte> out) {
    size_t count = 0;
    bool posted = false;
    while (m_open && count < out.size()) {
        if (!m_has_received) {
            auto completion = m_receive.take_used();
            if (!completion)
                break;
            m_received_buffer = m_receive_buffer[completion->buffer];
            m_received_length = completion->written;
            m_received_offset = 0;
            m_has_received = true;
        }
        auto* bytes = static_cast<const std::byte*>(m_platform->pages().to_pointer(m_receive_pages[m_received_buffer]));
        size_t length = std::min<size_t>(out.size() - count, m_received_length - m_received_offset);
        std::memcpy(out.data() + count, bytes + m_received_offset, length);
        count += length;
        m_received_offset += static_cast<uint32_t>(length);
        if (m_received_offset == m_received_length) {
            m_has_received = false;
            if (!post_receive(m_received_buffer))
                break; // broken meanwhile
            posted = true;
        }
    }
    if (posted)
        kick(m_receive, m_receive_index);
    return count;
}

size_t ConsolePort::read(std::span<std::byte> out) {
    sched::NoStopLocker locker(m_receive_lock);
    return take_received(out);
}

base::Result<> ConsolePort::poll_stopped() {
    m_console->poll_stopped();
    if (m_transmit_lock.is_held() || m_receive_lock.is_held())
        return base::fail(base::Error::Busy);
    return {};
}

void ConsolePort::service() {
    if (!m_open)
        return;
    bool worth_telling = m_connection_changed.exchange(false, std::memory_order_acq_rel);
    worth_telling |= reclaim_and_report();
    EventHandler handler;
    void* context;
    {
        sched::NoStopLocker locker(m_receive_lock);
        worth_telling |= m_has_received || m_receive.has_used();
        handler = m_event_handler;
        context = m_event_context;
    }
    if (worth_telling && handler != nullptr)
        handler(context);
}

// --- In the stopped world

base::Result<> ConsolePort::check_polled() const {
    // A lock that is held belongs to a CPU that will not run again; writes with callbacks belong to code that expects
    // to be told, which cannot be done here.
    if (m_transmit_lock.is_held() || m_pages_in_flight != 0)
        return base::fail(base::Error::Busy);
    return check_writable();
}

/// Calls `attempt` until it answers anything but Error::Again; gives up when no buffer came back for `stall_ms`.
template <typename Attempt>
base::Result<> ConsolePort::retry_until_stalled(uint32_t stall_ms, Attempt&& attempt) {
    uint64_t limit = m_platform->timestamp_hz() / 1000 * stall_ms;
    uint64_t start = arch::timestamp();
    for (;;) {
        Write finished;
        while (reclaim_one(finished))
            start = arch::timestamp();
        base::Result<> answer = attempt();
        if (answer || answer.error() != base::Error::Again)
            return answer;
        if (m_transmit.is_broken())
            return base::fail(base::Error::Io);
        if (arch::timestamp() - start > limit)
            return base::fail(base::Error::TimedOut);
        arch::relax();
    }
}

base::Result<> ConsolePort::polled_write(std::span<const std::byte> bytes, uint32_t stall_ms) {
    TRY(check_polled());
    while (!bytes.empty()) {
        TRY(retry_until_stalled(stall_ms, [&]() -> base::Result<> {
            bytes = bytes.subspan(TRY(send_copy(bytes)));
            return {};
        }));
    }
    return {};
}

base::Result<> ConsolePort::polled_write_pages(PhysicalAddress address, uint32_t length, uint32_t stall_ms) {
    TRY(check_polled());
    // Counted as a bounce page that nobody owns: giving it back changes nothing.
    constexpr uint8_t no_bounce = bounce_count;
    TRY(retry_until_stalled(stall_ms, [&] { return send(address, length, {nullptr, nullptr, no_bounce}); }));
    kick(m_transmit, m_transmit_index);
    return {};
}

base::Result<> ConsolePort::polled_flush(uint32_t stall_ms) {
    TRY(check_polled());
    return retry_until_stalled(stall_ms, [&]() -> base::Result<> {
        if (m_transmit.in_flight() != 0)
            return base::fail(base::Error::Again);
        return {};
    });
}

base::Result<size_t> ConsolePort::polled_read(std::span<std::byte> out) {
    if (m_receive_lock.is_held())
        return base::fail(base::Error::Busy);
    return take_received(out);
}

} // namespace drivers
