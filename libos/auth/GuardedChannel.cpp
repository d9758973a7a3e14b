#include "libos/auth/GuardedChannel.h"

#include <algorithm>

namespace auth {

using base::Error;
using base::fail;
using sched::NoStopLocker;

void GuardedChannel::start(drivers::ByteChannel& inner, wire::Protection protection) {
    m_protection = protection;
    m_inner_connection = inner.connection();
    m_inner = &inner;
    if (!m_gate.open)
        inner.set_event_handler(on_inner_event, this);
}

// --- What is below, and who is told
// ------------------------------------------------------------------------------------

void GuardedChannel::on_inner_event(void* context) {
    auto& self = *static_cast<GuardedChannel*>(context);
    News news;
    bool work_due;
    EventHandler handler;
    void* handler_context;
    {
        NoStopLocker locker(self.m_lock);
        self.pump(news);
        self.note_written(news);
        work_due = self.is_work_due();
        handler = self.m_event_handler;
        handler_context = self.m_event_context;
    }
    self.tell(news);
    if (work_due && self.m_gate.work_due != nullptr)
        self.m_gate.work_due(self);
    if (handler != nullptr)
        handler(handler_context);
}

/// Without the lock. What an owner's own call finds out, the owner sees by connection(): its handler is not called.
void GuardedChannel::tell(const News& news) {
    if (news.written != nullptr)
        news.written(news.written_context);
    if (m_gate.observer == nullptr)
        return;
    if (news.ended)
        m_gate.observer->session_ended(*news.ended, news.why);
    if (news.refused)
        m_gate.observer->attempt_refused(*news.refused);
    if (news.began)
        m_gate.observer->session_began(*news.began);
}

/// Another host has another session.
void GuardedChannel::note_connection(News& news) {
    uint32_t connection = m_inner->connection();
    bool is_connected = m_inner->is_host_connected();
    if (connection == m_inner_connection && (is_connected || !m_session))
        return;
    m_inner_connection = connection;
    close_session(SessionEnd::PeerLeft, news);
    m_handshake.reset(m_gate.now_ns());
}

/// Whatever can be done now.
void GuardedChannel::pump(News& news) {
    note_connection(news);
    if (m_session) {
        if (flush_handshake() && has_records()) {
            flush_records();
            flush_pages();
        }
    } else if (m_inner->is_host_connected()) {
        listen(news);
    }
}

void GuardedChannel::listen(News& news) {
    std::byte bytes[wire::max_handshake_message];
    size_t budget = listening_budget;
    m_has_more = false;
    while (flush_handshake()) {
        size_t wanted = m_gate.is_closed() ? sizeof(bytes) : m_handshake.wanted();
        if (wanted == 0)
            break;
        if (budget < wanted) {
            m_has_more = true;
            break;
        }
        size_t count = m_inner->read(std::span(bytes).first(wanted));
        if (count == 0)
            break;
        budget -= count;
        note_connection(news); // what was read may be another host's
        if (!m_gate.is_closed())
            push_handshake(Bytes(bytes).first(count));
        if (auto refusal = m_handshake.take_refusal())
            news.refused = refusal;
    }
}

void GuardedChannel::push_handshake(Bytes bytes_untrusted) {
    while (!bytes_untrusted.empty() && m_handshake.wanted() != 0) {
        Bytes part = bytes_untrusted.first(std::min(bytes_untrusted.size(), m_handshake.wanted()));
        m_handshake.push(setup(), part, m_gate.now_ns());
        bytes_untrusted = bytes_untrusted.subspan(part.size());
    }
}

void GuardedChannel::take_result(const Handshake::Job& job, News& news) {
    m_handshake.commit(setup(), job, m_gate.now_ns());
    if (auto refusal = m_handshake.take_refusal())
        news.refused = refusal;
    if (!m_session && m_handshake.agreement() != nullptr)
        begin_session(news);
}

void GuardedChannel::begin_session(News& news) {
    const Agreement& agreement = *m_handshake.agreement();
    m_session = SessionInfo{m_kind, agreement.role, agreement.protection, agreement.key};
    if (has_records()) {
        m_sealer.start(agreement.guest_to_host);
        m_opener.start(agreement.host_to_guest);
    }
    // relaxed: who goes by the role takes the lock for everything else.
    m_role.store(agreement.role, std::memory_order_relaxed);
    m_connection.fetch_add(1, std::memory_order_release);
    news.began = m_session;
}

void GuardedChannel::close_session(SessionEnd why, News& news) {
    if (!m_session)
        return;
    news.ended = m_session;
    news.why = why;
    m_session.reset();
    m_role.store(wire::Role::None, std::memory_order_relaxed);
    m_connection.fetch_add(1, std::memory_order_release);
    m_sealer.stop();
    m_opener.stop();
    m_handshake.reset(m_gate.now_ns());
    m_pages.bytes = nullptr; // note_written() gives them back
}

/// False while some of the handshake's own bytes are to be sent still.
bool GuardedChannel::flush_handshake() {
    while (!m_handshake.output().empty()) {
        auto written = m_inner->write_some(m_handshake.output());
        if (!written)
            return false;
        m_handshake.sent(*written);
    }
    return true;
}

// --- The owner's calls that are not a ByteChannel's
// --------------------------------------------------------------------

std::optional<SessionInfo> GuardedChannel::session() const {
    if (m_gate.open) {
        if (!is_host_connected())
            return std::nullopt;
        return SessionInfo{m_kind, wire::Role::Operator, wire::Protection::None, nullptr};
    }
    NoStopLocker locker(m_lock);
    return m_session;
}

wire::Role GuardedChannel::role() const {
    if (m_gate.open)
        return is_host_connected() ? wire::Role::Operator : wire::Role::None;
    return m_role.load(std::memory_order_relaxed);
}

void GuardedChannel::advance() {
    if (m_gate.open || m_inner == nullptr)
        return;
    for (;;) {
        News news;
        std::optional<Handshake::Job> job;
        bool work_due;
        {
            NoStopLocker locker(m_lock);
            pump(news);
            note_written(news);
            job = m_handshake.take_job();
            work_due = is_work_due();
        }
        tell(news);
        if (!work_due)
            return;
        if (!job)
            continue;
        // Seconds may pass here: the world may be stopped, and its leader may do the same job.
        job->perform(m_gate.primitives);
        news = {};
        EventHandler handler;
        void* handler_context;
        {
            NoStopLocker locker(m_lock);
            note_connection(news);
            take_result(*job, news);
            handler = m_event_handler;
            handler_context = m_event_context;
        }
        tell(news);
        if (news.began && handler != nullptr)
            handler(handler_context);
    }
}

void GuardedChannel::end_session() {
    if (m_gate.open || m_inner == nullptr)
        return;
    News news;
    {
        NoStopLocker locker(m_lock);
        if (!m_session)
            return;
        if (has_records() && flush_handshake() && flush_records()) {
            m_sealer.seal({});
            flush_records(); // as far as there is room: the peer sees the end, or silence
        }
        close_session(SessionEnd::Replaced, news);
        note_written(news);
    }
    tell(news);
}

// --- ByteChannel
// -------------------------------------------------------------------------------------------------------

bool GuardedChannel::is_host_connected() const {
    if (m_inner == nullptr)
        return false;
    return m_inner->is_host_connected() && (m_gate.open || role() != wire::Role::None);
}

uint32_t GuardedChannel::connection() const {
    if (m_gate.open)
        return m_inner != nullptr ? m_inner->connection() : 0;
    return m_connection.load(std::memory_order_acquire);
}

void GuardedChannel::set_event_handler(EventHandler handler, void* context) {
    if (m_gate.open) {
        m_inner->set_event_handler(handler, context);
        return;
    }
    NoStopLocker locker(m_lock);
    m_event_handler = handler;
    m_event_context = context;
}

base::Result<> GuardedChannel::check_session() const {
    return m_session && m_inner->is_host_connected() ? base::Result<>() : fail(Error::BrokenPipe);
}

base::Result<size_t> GuardedChannel::write_some(std::span<const std::byte> bytes) {
    if (m_gate.open)
        return m_inner->write_some(bytes);
    News news;
    base::Result<size_t> written = fail(Error::Again);
    {
        NoStopLocker locker(m_lock);
        pump(news);
        if (auto open = check_session(); !open) {
            written = fail(open.error());
        } else if (!m_handshake.output().empty() || bytes.empty()) {
            written = fail(Error::Again);
        } else if (!has_records()) {
            written = m_inner->write_some(bytes);
        } else if (m_pages.bytes == nullptr && m_sealer.pending().empty()) {
            auto part = bytes.first(std::min(bytes.size(), wire::max_record_payload));
            m_sealer.seal(part);
            flush_records();
            written = part.size();
        }
    }
    tell(news);
    return written;
}

base::Result<> GuardedChannel::write_pages(memory::PhysicalAddress address, uint32_t length, WriteDone done,
                                           void* context) {
    if (m_gate.open)
        return m_inner->write_pages(address, length, done, context);
    News news;
    base::Result<> accepted = fail(Error::Again);
    {
        NoStopLocker locker(m_lock);
        pump(news);
        if (auto open = check_session(); !open) {
            accepted = open;
        } else if (!m_handshake.output().empty()) {
            accepted = fail(Error::Again);
        } else if (!has_records()) {
            accepted = m_inner->write_pages(address, length, done, context);
        } else if (m_gate.pages == nullptr) {
            accepted = fail(Error::NotSupported);
        } else if (m_pages.done == nullptr) {
            m_pages = {static_cast<const std::byte*>(m_gate.pages->to_pointer(address)), length, done, context};
            flush_pages();
            note_written(news);
            accepted = {};
        }
    }
    tell(news);
    return accepted;
}

size_t GuardedChannel::read(std::span<std::byte> out) {
    if (m_gate.open)
        return m_inner->read(out);
    News news;
    size_t count = 0;
    {
        NoStopLocker locker(m_lock);
        pump(news);
        if (m_session && has_records()) {
            count = read_records(out, news);
        } else if (m_session) {
            count = m_inner->read(out);
            note_connection(news);
            if (!m_session)
                count = 0; // another host's bytes, or its predecessor's last
        }
    }
    tell(news);
    return count;
}

base::Result<> GuardedChannel::poll_stopped() {
    TRY(m_inner->poll_stopped());
    if (m_gate.open)
        return {};
    if (m_lock.is_held())
        return fail(Error::Busy);
    // The leader is alone, and takes the lock only so that everything is as always. No pages are given back: who gets
    // them may wait for locks.
    News news;
    std::optional<Handshake::Job> job;
    {
        NoStopLocker locker(m_lock);
        pump(news);
        job = m_handshake.take_job();
    }
    tell(news);
    if (!job)
        return {};
    job->perform(m_gate.primitives);
    news = {};
    {
        NoStopLocker locker(m_lock);
        take_result(*job, news);
        pump(news);
    }
    tell(news);
    return {};
}

} // namespace auth
