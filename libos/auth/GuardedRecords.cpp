// The parts of GuardedChannel that deal in records, and those for a world that has stopped for good.

#include "libos/auth/GuardedChannel.h"

#include <algorithm>

namespace auth {

using base::Error;
using base::fail;

/// False while a record is on its way still.
bool GuardedChannel::flush_records() {
    while (!m_sealer.pending().empty()) {
        auto written = m_inner->write_some(m_sealer.pending());
        if (!written)
            return false;
        m_sealer.sent(*written);
    }
    return true;
}

void GuardedChannel::flush_pages() {
    while (m_pages.bytes != nullptr && flush_records()) {
        uint32_t size = std::min<uint32_t>(m_pages.left, wire::max_record_payload);
        if (size != 0)
            m_sealer.seal({m_pages.bytes, size});
        m_pages.bytes += size;
        m_pages.left -= size;
        if (m_pages.left == 0)
            m_pages.bytes = nullptr;
    }
    flush_records();
}

/// Pages that were sealed, or will not be any more, are to be given back.
void GuardedChannel::note_written(News& news) {
    if (m_pages.done == nullptr || m_pages.bytes != nullptr)
        return;
    news.written = m_pages.done;
    news.written_context = m_pages.context;
    m_pages = {};
}

size_t GuardedChannel::read_records(std::span<std::byte> out, News& news) {
    std::byte bytes[256];
    while (!m_opener.has_payload()) {
        size_t wanted = std::min(m_opener.wanted(), sizeof(bytes));
        size_t received = m_inner->read(std::span(bytes).first(wanted));
        note_connection(news);
        if (received == 0 || !m_session)
            return 0;
        accept_records(Bytes(bytes).first(received), news);
        if (!m_session)
            return 0;
    }
    return m_opener.take(out);
}

void GuardedChannel::accept_records(Bytes bytes_untrusted, News& news) {
    switch (m_opener.push(bytes_untrusted)) {
    case RecordOpener::Outcome::More:
    case RecordOpener::Outcome::Payload:
        return;
    case RecordOpener::Outcome::End:
        close_session(SessionEnd::PeerLeft, news);
        return;
    case RecordOpener::Outcome::Forged:
        break;
    }
    // Perhaps a new host that does not know of the old one: its Hello is in what came.
    std::byte rejected[wire::max_record_payload + wire::record_overhead];
    size_t size = m_opener.rejected().size();
    std::copy_n(m_opener.rejected().begin(), size, rejected);
    close_session(SessionEnd::Forged, news);
    push_handshake(Bytes(rejected).first(size));
    if (auto refusal = m_handshake.take_refusal())
        news.refused = refusal;
    listen(news);
}

// --- After the world has stopped for good
// ------------------------------------------------------------------------------

/// What stands before each polled call in a session.
base::Result<> GuardedChannel::enter_polled() {
    if (m_inner == nullptr)
        return fail(Error::NoSuchDevice);
    if (m_lock.is_held())
        return fail(Error::Busy);
    TRY(check_session());
    if (auto output = m_handshake.output(); !output.empty()) {
        TRY(m_inner->polled_write(output, 1000));
        m_handshake.sent(output.size());
    }
    return {};
}

base::Result<> GuardedChannel::polled_authenticate(uint32_t timeout_ms) {
    if (m_gate.open)
        return {};
    if (m_inner == nullptr)
        return fail(Error::NoSuchDevice);
    if (m_lock.is_held())
        return fail(Error::Busy);
    if (m_session)
        return {};
    uint64_t deadline = m_gate.now_ns() + uint64_t{timeout_ms} * 1'000'000;
    std::byte bytes[wire::max_handshake_message];
    while (!m_session) {
        if (m_gate.is_closed() || m_gate.now_ns() >= deadline)
            return fail(Error::TimedOut);
        if (size_t wanted = m_handshake.wanted(); wanted != 0) {
            size_t count = m_inner->polled_read(std::span(bytes).first(wanted)).value_or(0);
            push_handshake(Bytes(bytes).first(count));
        }
        News news;
        if (auto job = m_handshake.take_job()) {
            job->perform(m_gate.primitives);
            take_result(*job, news);
        } else if (auto refusal = m_handshake.take_refusal()) {
            news.refused = refusal;
        }
        tell(news);
        if (auto output = m_handshake.output(); !output.empty()) {
            // Who takes nothing in for a second gets no more of it, and fails.
            (void)m_inner->polled_write(output, 1000);
            m_handshake.sent(output.size());
        }
    }
    return {};
}

base::Result<> GuardedChannel::polled_write(std::span<const std::byte> bytes, uint32_t stall_ms) {
    if (m_gate.open)
        return m_inner->polled_write(bytes, stall_ms);
    TRY(enter_polled());
    if (has_records())
        return polled_write_records(bytes, stall_ms);
    return m_inner->polled_write(bytes, stall_ms);
}

base::Result<> GuardedChannel::polled_write_records(Bytes bytes, uint32_t stall_ms) {
    while (!bytes.empty() || !m_sealer.pending().empty()) {
        if (m_sealer.pending().empty()) {
            Bytes part = bytes.first(std::min(bytes.size(), wire::max_record_payload));
            m_sealer.seal(part);
            bytes = bytes.subspan(part.size());
        }
        TRY(m_inner->polled_write(m_sealer.pending(), stall_ms));
        m_sealer.sent(m_sealer.pending().size());
    }
    return {};
}

base::Result<> GuardedChannel::polled_write_pages(memory::PhysicalAddress address, uint32_t length, uint32_t stall_ms) {
    if (m_gate.open)
        return m_inner->polled_write_pages(address, length, stall_ms);
    TRY(enter_polled());
    if (!has_records())
        return m_inner->polled_write_pages(address, length, stall_ms);
    if (m_gate.pages == nullptr)
        return fail(Error::NotSupported);
    return polled_write_records({static_cast<const std::byte*>(m_gate.pages->to_pointer(address)), length}, stall_ms);
}

base::Result<> GuardedChannel::polled_flush(uint32_t stall_ms) {
    if (!m_gate.open)
        TRY(enter_polled());
    return m_inner->polled_flush(stall_ms);
}

base::Result<size_t> GuardedChannel::polled_read(std::span<std::byte> out) {
    if (m_gate.open)
        return m_inner->polled_read(out);
    TRY(enter_polled());
    if (!has_records())
        return m_inner->polled_read(out);
    std::byte bytes[256];
    while (!m_opener.has_payload()) {
        size_t received = TRY(m_inner->polled_read(std::span(bytes).first(std::min(m_opener.wanted(), sizeof(bytes)))));
        if (received == 0)
            return 0;
        News news;
        switch (m_opener.push(Bytes(bytes).first(received))) {
        case RecordOpener::Outcome::More:
        case RecordOpener::Outcome::Payload:
            continue;
        case RecordOpener::Outcome::End:
            close_session(SessionEnd::PeerLeft, news);
            break;
        case RecordOpener::Outcome::Forged:
            close_session(SessionEnd::Forged, news);
            break;
        }
        tell(news);
        return fail(Error::BrokenPipe);
    }
    return m_opener.take(out);
}

} // namespace auth
