#include "libos/ports/PortFile.h"

#include "libos/fs/Readiness.h"

#include <algorithm>
#include <bit>

namespace ports {

using base::Error;
using base::fail;
using base::Result;
using fs::SleepLocker;

// --- Port

Result<> Port::prepare(drivers::ByteChannel& channel, memory::PageAllocator& pages) {
    m_channel = &channel;
    if (m_received == nullptr)
        m_received = static_cast<std::byte*>(pages.to_pointer(TRY(pages.allocate_page())));
    for (unsigned i = 0; i < chunk_count; ++i) {
        auto& chunk = m_chunks[i];
        if (chunk.bytes != nullptr)
            continue;
        chunk.address = TRY(pages.allocate_adjacent_pages(chunk_pages));
        chunk.port = this;
        chunk.bytes = static_cast<std::byte*>(pages.to_pointer(chunk.address));
        give_chunk_back(i);
    }
    channel.set_event_handler(on_event, this);
    return {};
}

void Port::on_event(void* context) {
    static_cast<Port*>(context)->m_event.signal();
    fs::readiness_changed();
}

void Port::on_sent(void* context) {
    auto& chunk = *static_cast<Chunk*>(context);
    auto& port = *chunk.port;
    port.give_chunk_back(static_cast<unsigned>(&chunk - port.m_chunks));
    on_event(&port);
}

unsigned Port::take_chunk() {
    unsigned free = m_free.load(std::memory_order_relaxed);
    unsigned chunk = chunk_count;
    do {
        if (free == 0)
            return chunk_count;
        chunk = static_cast<unsigned>(std::countr_zero(free));
        // acquire: whoever gave it back has read from it.
    } while (!m_free.compare_exchange_weak(free, free & ~(1u << chunk), std::memory_order_acquire,
                                           std::memory_order_relaxed));
    return chunk;
}

void Port::give_chunk_back(unsigned chunk) {
    m_free.fetch_or(1u << chunk, std::memory_order_release);
}

std::span<std::byte> Port::bytes(unsigned chunk) {
    return {m_chunks[chunk].bytes, chunk_size};
}

Result<> Port::send(unsigned chunk, uint32_t length) {
    return m_channel->write_pages(m_chunks[chunk].address, length, on_sent, &m_chunks[chunk]);
}

// --- PortFile

Result<> PortFile::wait(uint64_t seen) {
    if (is_nonblocking())
        return fail(Error::Again);
    return m_port.event().wait(seen);
}

/// With m_read_lock held. False: nothing has come.
bool PortFile::fill() {
    if (m_begin == m_end) {
        m_begin = 0;
        m_end = m_port.channel().read(m_port.receive_buffer());
    }
    return m_begin != m_end;
}

Result<size_t> PortFile::read(fs::Transfer& to) {
    SleepLocker locker(m_read_lock);
    Result<> result;
    while (!to.done() && result) {
        uint64_t seen = m_port.event().count();
        if (fill()) {
            auto part = m_port.receive_buffer().subspan(m_begin, std::min(m_end - m_begin, to.remaining()));
            m_begin += part.size();
            if (auto put = to.put(part); !put)
                result = fail(put.error());
        } else if (to.moved() != 0 || !m_port.channel().is_host_connected()) {
            break;
        } else {
            result = wait(seen);
        }
    }
    return fs::bytes_moved(to, result);
}

/// The next piece: how much of it, once the channel has it.
Result<size_t> PortFile::write_piece(fs::Transfer& from) {
    while (true) {
        uint64_t seen = m_port.event().count();
        unsigned chunk = m_port.take_chunk();
        if (chunk != Port::chunk_count) {
            auto taken = from.take(m_port.bytes(chunk).first(std::min<size_t>(from.remaining(), Port::chunk_size)));
            auto sent = taken ? m_port.send(chunk, static_cast<uint32_t>(*taken)) : fail(taken.error());
            if (sent)
                return *taken;
            m_port.give_chunk_back(chunk);
            if (taken)
                from.give_back(*taken);
            if (sent.error() != Error::Again && sent.error() != Error::BrokenPipe)
                return fail(sent.error());
        }
        TRY(wait(seen));
    }
}

Result<size_t> PortFile::write(fs::Transfer& from) {
    SleepLocker locker(m_write_lock);
    size_t written = 0;
    while (!from.done()) {
        auto sent = write_piece(from);
        if (!sent && written == 0)
            return fail(sent.error());
        if (!sent)
            break;
        written += *sent;
    }
    return written;
}

uint32_t PortFile::poll() {
    namespace abi = fs::abi;
    uint32_t ready = 0;
    {
        SleepLocker locker(m_read_lock);
        if (fill())
            ready |= abi::pollin | abi::pollrdnorm;
    }
    if (!m_port.channel().is_host_connected())
        return ready | abi::pollhup;
    if (m_port.has_chunk())
        ready |= abi::pollout | abi::pollwrnorm;
    return ready;
}

uint64_t PortFile::activity() const {
    return fs::readiness_generation();
}

} // namespace ports
