// SerialMux::Port: one channel of the serial line.
#include "libos/links/SerialMux.h"

#include <arch/Processor.h>

#include <algorithm>

namespace links {

using base::Error;
using base::fail;
using base::Result;

void SerialMux::Port::set_event_handler(EventHandler handler, void* context) {
    m_handler_context = context;
    m_handler.store(handler, std::memory_order_release);
}

Result<size_t> SerialMux::Port::write_some(std::span<const std::byte> bytes) {
    if (bytes.empty())
        return size_t{0};
    auto& mux = *m_mux;
    size_t count = 0;
    bool more = false, late = false, polled = false;
    {
        Locker locker(mux.m_lock);
        if (mux.m_link.is_up()) {
            if (m_pages.empty())
                count = mux.m_link.write(m_id, integers(bytes));
            more = mux.pump(piece);
        } else if (is_console()) {
            count = mux.write_clear(bytes);
        } else {
            return fail(Error::BrokenPipe);
        }
        polled = mux.m_polled;
        if (polled && more && !mux.m_room_armed)
            mux.arm_interrupt(true); // perhaps the world is stopped, and nobody can be woken
        late = !polled && mux.needs_service(more);
    }
    if (!polled)
        mux.tell(late);
    if (count == 0)
        return fail(Error::Again);
    return count;
}

Result<> SerialMux::Port::write_pages(memory::PhysicalAddress address, uint32_t length, WriteDone done, void* context) {
    if (length == 0 || done == nullptr)
        return fail(Error::Invalid);
    auto& mux = *m_mux;
    bool late;
    {
        Locker locker(mux.m_lock);
        if (!mux.m_link.is_up() || mux.m_page_allocator == nullptr)
            return fail(Error::BrokenPipe);
        if (m_pages_done != nullptr)
            return fail(Error::Again);
        m_pages = {static_cast<const std::byte*>(mux.m_page_allocator->to_pointer(address)), length};
        m_pages_done = done;
        m_pages_context = context;
        late = mux.needs_service(mux.pump(piece));
    }
    mux.tell(late);
    return {};
}

size_t SerialMux::Port::read(std::span<std::byte> out) {
    auto& mux = *m_mux;
    size_t count = 0;
    bool late = false;
    {
        Locker locker(mux.m_lock);
        if (is_console()) {
            while (count < out.size() && mux.m_typed_begin != mux.m_typed_end)
                out[count++] = mux.m_typed[mux.m_typed_begin++ % typed_capacity];
        }
        auto rest = out.subspan(count);
        size_t from_host = mux.m_link.read(m_id, integers(rest));
        count += from_host;
        bool more = from_host != 0 && mux.pump(piece); // the host hears that there is room
        if (mux.m_polled && more && !mux.m_room_armed)
            mux.arm_interrupt(true);
        late = from_host != 0 && !mux.m_polled && mux.needs_service(more);
    }
    if (late)
        mux.tell(true);
    return count;
}

// --- After the world has stopped for good

Result<> SerialMux::Port::check_polled() const {
    // A lock that is held belongs to a CPU that will not run again, or to the crashing code itself.
    if (m_mux->m_lock.is_held() || m_pages_done != nullptr)
        return fail(Error::Busy);
    return {};
}

void SerialMux::work_polled() {
    receive();
    pump(SIZE_MAX);
}

/// Calls `attempt` until it answers anything but Error::Again; gives up when the host took nothing for `stall_ms`.
template <typename Attempt>
Result<> SerialMux::Port::retry_until_stalled(uint32_t stall_ms, Attempt&& attempt) {
    auto& mux = *m_mux;
    serial::Time limit = uint64_t{stall_ms} * 1000, start = mux.now();
    size_t waiting = mux.m_link.unacknowledged(m_id);
    for (;;) {
        mux.work_polled();
        if (!mux.m_link.is_up())
            return fail(Error::BrokenPipe);
        Result<> answer = attempt();
        if (answer || answer.error() != Error::Again)
            return answer;
        size_t still_waiting = mux.m_link.unacknowledged(m_id);
        if (still_waiting < waiting)
            start = mux.now();
        else if (mux.now() - start > limit)
            return fail(Error::TimedOut);
        waiting = still_waiting;
        arch::relax();
    }
}

Result<> SerialMux::Port::polled_write(std::span<const std::byte> bytes, uint32_t stall_ms) {
    auto& mux = *m_mux;
    if (is_console()) {
        // What was said before comes first, if the host takes it; but a report of a fault in just that goes out alone.
        if (!mux.m_reporting && !mux.m_lock.is_held()) {
            mux.m_reporting = true;
            (void)polled_flush(stall_ms);
        }
        // It may have stopped in the middle of a frame, or of the code that sends it: the mark ends that for the host.
        if (mux.m_link.is_up()) {
            uint8_t end =
                mux.m_link.encoding() == serial::Encoding::Plain ? wire::serial_plain_end : wire::serial_escaped_end;
            mux.m_uart.write(std::as_bytes(std::span(&end, 1)));
        }
        mux.m_frame = {};
        bool whole = mux.m_uart.write(bytes) == bytes.size();
        mux.m_reporting = false;
        return whole ? Result<>() : fail(Error::TimedOut);
    }
    TRY(check_polled());
    while (!bytes.empty()) {
        TRY(retry_until_stalled(stall_ms, [&]() -> Result<> {
            size_t count = mux.m_link.write(m_id, integers(bytes));
            bytes = bytes.subspan(count);
            return count != 0 ? Result<>() : fail(Error::Again);
        }));
    }
    return {};
}

Result<> SerialMux::Port::polled_write_pages(memory::PhysicalAddress address, uint32_t length, uint32_t stall_ms) {
    if (m_mux->m_page_allocator == nullptr)
        return fail(Error::BrokenPipe);
    return polled_write({static_cast<const std::byte*>(m_mux->m_page_allocator->to_pointer(address)), length},
                        stall_ms);
}

/// Until the host has acknowledged all.
Result<> SerialMux::Port::polled_flush(uint32_t stall_ms) {
    TRY(check_polled());
    return retry_until_stalled(
        stall_ms, [&]() -> Result<> { return m_mux->m_link.is_settled(m_id) ? Result<>() : fail(Error::Again); });
}

Result<size_t> SerialMux::Port::polled_read(std::span<std::byte> out) {
    TRY(check_polled());
    m_mux->work_polled();
    return m_mux->m_link.read(m_id, integers(out));
}

} // namespace links
