#include "libos/vsock/Channel.h"

#include <arch/Processor.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace vsock {

using base::Error;
using base::fail;
using base::Result;

Channel::Channel(Engine& engine, uint32_t port, uint64_t timestamp_hz)
    : m_engine(engine)
    , m_port(port)
    , m_timestamp_hz(timestamp_hz) {}

Result<> Channel::open() {
    auto& pages = m_engine.pages();
    for (unsigned i = 0; i < bounce_pages; ++i) {
        auto& bounce = m_bounces[i];
        bounce.channel = this;
        bounce.index = i;
        bounce.address = TRY(pages.allocate_zeroed_page());
        bounce.memory = static_cast<std::byte*>(pages.to_pointer(bounce.address));
        m_free_bounces |= 1u << i;
    }
    for (auto& write : m_page_writes)
        write.channel = this;
    m_endpoint.held = true;
    m_endpoint.buffer = TRY(ReceiveBuffer::create(pages, receive_size));
    m_engine.add_server(*this);
    return {};
}

void Channel::set_event_handler(EventHandler handler, void* context) {
    m_handler_context = context;
    m_handler.store(handler, std::memory_order_release);
}

// --- Connections

Endpoint* Channel::take_request() {
    if (m_endpoint.is_connected()) {
        m_endpoint.starved = false;
        m_engine.want_credit(m_endpoint); // a peer that does not know the connection any more answers with a reset
        return nullptr;
    }
    m_endpoint.start(Endpoint::State::Established);
    m_endpoint.buffer.clear();
    m_endpoint.receive_credit.start(m_endpoint.buffer.capacity());
    m_connection.fetch_add(1, std::memory_order_acq_rel);
    m_connected.store(true, std::memory_order_release);
    return &m_endpoint;
}

void Channel::ended() {
    m_connected.store(false, std::memory_order_release);
    m_connection.fetch_add(1, std::memory_order_acq_rel);
    for (auto& write : m_page_writes) {
        write.rest = 0;
        finish_if_done(write);
    }
}

void Channel::deliver() {
    for (;;) {
        WriteDone done = nullptr;
        void* context = nullptr;
        {
            sched::NoStopLocker locker(m_engine.lock());
            for (auto& write : m_page_writes) {
                if (!write.finished)
                    continue;
                done = write.done;
                context = write.context;
                write.finished = write.used = false;
                --m_told_page_writes;
                m_engine.payload_told();
                break;
            }
        }
        if (done == nullptr)
            break;
        done(context);
    }
    if (auto handler = m_handler.load(std::memory_order_acquire))
        handler(m_handler_context);
}

// --- Sending

Result<> Channel::check_writable() const {
    if (m_engine.is_broken())
        return fail(Error::Io);
    if (!m_endpoint.is_connected() || m_endpoint.cannot_send())
        return fail(Error::BrokenPipe);
    return {};
}

bool Channel::want_more() {
    if (m_endpoint.send_credit.available() != 0)
        return m_engine.want_room(m_endpoint);
    m_engine.want_credit(m_endpoint);
    return true;
}

/// Error::Again when not a byte fits.
Result<size_t> Channel::send_copy(std::span<const std::byte> bytes) {
    size_t sent = 0;
    do {
        while (sent < bytes.size() && unsent() == nullptr && m_free_bounces != 0 && m_engine.data_room() != 0) {
            size_t length =
                std::min<size_t>({bytes.size() - sent, size_t{page_size}, size_t{m_endpoint.send_credit.available()}});
            if (length == 0)
                break;
            auto& bounce = m_bounces[std::countr_zero(m_free_bounces)];
            std::memcpy(bounce.memory, bytes.data() + sent, length);
            TRY(m_engine.send_data(m_endpoint, bounce.address, static_cast<uint32_t>(length), bounce));
            m_free_bounces &= ~(1u << bounce.index);
            sent += length;
        }
    } while (sent == 0 && !want_more());
    m_engine.flush();
    if (sent == 0)
        return fail(Error::Again);
    return sent;
}

Result<size_t> Channel::write_some(std::span<const std::byte> bytes) {
    if (bytes.empty())
        return size_t{0};
    sched::NoStopLocker locker(m_engine.lock());
    m_engine.reclaim();
    TRY(check_writable());
    return send_copy(bytes);
}

Channel::PageWrite* Channel::unsent() {
    for (unsigned i = 0; i < max_page_writes; ++i) {
        auto& write = m_page_writes[(m_next_page_write + i) % max_page_writes];
        if (write.rest != 0)
            return &write;
    }
    return nullptr;
}

void Channel::finish_if_done(PageWrite& write) {
    if (!write.used || write.finished || write.rest != 0 || write.in_flight != 0)
        return;
    if (write.done == nullptr) {
        write.used = false;
        return;
    }
    write.finished = true;
    m_engine.post_event(m_endpoint);
}

Result<> Channel::queue_pages(memory::PhysicalAddress address, uint32_t length, WriteDone done, void* context) {
    auto& write = m_page_writes[m_next_page_write];
    while (write.used) {
        if (write.finished || want_more()) {
            m_engine.flush();
            return fail(Error::Again);
        }
    }
    m_next_page_write = (m_next_page_write + 1) % max_page_writes;
    write.address = address;
    write.rest = length;
    write.used = true;
    write.done = done;
    write.context = context;
    if (done != nullptr) {
        ++m_told_page_writes;
        m_engine.await_payload();
    }
    advance();
    m_engine.flush();
    return {};
}

void Channel::advance() {
    while (auto* write = unsent()) {
        uint32_t length =
            std::min({write->rest, drivers::SocketDevice::max_payload, m_endpoint.send_credit.available()});
        if (length == 0 || m_engine.data_room() == 0) {
            if (want_more())
                return;
            continue;
        }
        if (!m_engine.send_data(m_endpoint, write->address, length, *write))
            return; // broken: ended() follows
        write->address += length;
        write->rest -= length;
    }
}

Result<> Channel::write_pages(memory::PhysicalAddress address, uint32_t length, WriteDone done, void* context) {
    if (length == 0 || done == nullptr)
        return fail(Error::Invalid);
    sched::NoStopLocker locker(m_engine.lock());
    m_engine.reclaim();
    TRY(check_writable());
    return queue_pages(address, length, done, context);
}

// --- Receiving

size_t Channel::take_received(std::span<std::byte> out) {
    auto& buffer = m_endpoint.buffer;
    size_t count = 0;
    while (count < out.size() && buffer.size() != 0) {
        auto run = buffer.run_at(buffer.position(), std::min<size_t>(buffer.size(), out.size() - count));
        std::memcpy(out.data() + count, run.data(), run.size());
        buffer.advance(run.size());
        count += run.size();
    }
    if (count != 0) {
        m_endpoint.receive_credit.forward(static_cast<uint32_t>(count));
        m_engine.update_credit(m_endpoint);
        m_engine.flush();
    }
    return count;
}

size_t Channel::read(std::span<std::byte> out) {
    sched::NoStopLocker locker(m_engine.lock());
    return take_received(out);
}

// --- After the world has stopped for good

Result<> Channel::check_polled() {
    // A lock that is held belongs to a CPU that will not run again, or to the crashing code itself; writes with
    // somebody to be told belong to code that does not run any more.
    if (m_engine.lock().is_held() || m_told_page_writes != 0)
        return fail(Error::Busy);
    m_engine.work();
    return check_writable();
}

/// Calls `attempt` until it answers anything but Error::Again; gives up when the device took nothing for `stall_ms`.
template <typename Attempt>
Result<> Channel::retry_until_stalled(uint32_t stall_ms, Attempt&& attempt) {
    uint64_t limit = m_timestamp_hz / 1000 * stall_ms;
    uint64_t start = arch::timestamp();
    for (;;) {
        uint64_t before = m_engine.completed_packets();
        m_engine.work();
        TRY(check_writable());
        Result<> answer = attempt();
        if (answer || answer.error() != Error::Again)
            return answer;
        if (m_engine.completed_packets() != before)
            start = arch::timestamp();
        else if (arch::timestamp() - start > limit)
            return fail(Error::TimedOut);
        arch::relax();
    }
}

Result<> Channel::polled_write(std::span<const std::byte> bytes, uint32_t stall_ms) {
    TRY(check_polled());
    while (!bytes.empty()) {
        TRY(retry_until_stalled(stall_ms, [&]() -> Result<> {
            bytes = bytes.subspan(TRY(send_copy(bytes)));
            return {};
        }));
    }
    return {};
}

Result<> Channel::polled_write_pages(memory::PhysicalAddress address, uint32_t length, uint32_t stall_ms) {
    TRY(check_polled());
    return retry_until_stalled(stall_ms, [&] { return queue_pages(address, length, nullptr, nullptr); });
}

bool Channel::is_flushed() const {
    return m_free_bounces == all_bounces &&
           std::ranges::none_of(m_page_writes, [](const PageWrite& write) { return write.used; });
}

Result<> Channel::polled_flush(uint32_t stall_ms) {
    TRY(check_polled());
    return retry_until_stalled(stall_ms, [&]() -> Result<> {
        if (!is_flushed())
            return fail(Error::Again);
        return {};
    });
}

Result<size_t> Channel::polled_read(std::span<std::byte> out) {
    if (m_engine.lock().is_held())
        return fail(Error::Busy);
    m_engine.work();
    return take_received(out);
}

} // namespace vsock
