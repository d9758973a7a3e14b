#include "libos/control/Control.h"

#include "libos/control/BuildId.h"
#include "libos/control/FrameAccess.h"
#include "libos/control/FrameSender.h"
#include "libos/control/RequestReceiver.h"
#include "libos/memory/PhysicalMemory.h"
#include "libos/sched/Clock.h"
#include "libos/sched/Scheduler.h"
#include "libos/trace/Audit.h"

#include <algorithm>
#include <cstring>

namespace control {

namespace {

using wire::FrameHeader;
using wire::FrameType;

constexpr uint64_t second = 1'000'000'000;
constexpr uint64_t retry_ns = 1'000'000; // where the host takes nothing for now
constexpr size_t max_handlers = 16;
constexpr size_t max_frame = sizeof(FrameHeader) + sizeof(wire::ReplyMessage) + Reply::capacity;

struct Registration {
    FrameType type;
    RequestHandler handler;
};

struct State {
    sched::SpinLock lock; // event flag; outside the scheduler's
    sched::WaitQueue events;
    bool event = false;
    std::atomic<bool> acknowledged{false};
    bool has_thread = false;
    bool host_comes_late = false;     ///< on one of the links
    std::atomic<bool> greeted{false}; ///< at least one host
    Registration handlers[max_handlers] = {};
    size_t handler_count = 0;
    void (*fill_status)(wire::StatusMessage&) = nullptr;
};
constinit State g_state;

void on_channel_event(void*) {
    {
        sched::SpinLocker locker(g_state.lock);
        g_state.event = true;
    }
    g_state.events.wake_all();
}

/// Until something happened at any channel, or `deadline`.
void wait_for_event(sched::Deadline deadline) {
    auto state = g_state.lock.lock();
    while (!g_state.event) {
        if (!g_state.events.wait(g_state.lock, state, deadline))
            break;
    }
    g_state.event = false;
    g_state.lock.unlock(state);
}

void pause() {
    (void)sched::scheduler().sleep_until(sched::deadline_after(retry_ns));
}

/// About a second, in which this thread could run: a world that is stopped for minutes takes one of its pauses.
class Patience {
public:
    /// False: it is at its end.
    bool pause() {
        control::pause();
        return --m_pauses_left != 0;
    }

private:
    uint64_t m_pauses_left = second / retry_ns;
};

/// One link's control channel.
class Server {
public:
    constexpr Server() = default;

    void open(drivers::ByteChannel& channel, size_t link) {
        m_channel = &channel;
        m_link = link;
        channel.set_event_handler(on_channel_event, nullptr);
    }
    bool has_host() const { return m_channel != nullptr && m_channel->is_host_connected(); }

    /// Control thread: answers what has come.
    void serve() {
        if (m_channel == nullptr)
            return;
        do {
            greet();
        } while (!serve_connection());
    }

    /// Control thread: what the host has not been told yet.
    void send_audit() {
        wire::AuditMessage message;
        while (has_host() && m_channel->connection() == m_connection && m_role != wire::Role::None &&
               trace::find_audit(m_next_audit, message)) {
            if (!send(FrameType::Audit, 0, std::as_bytes(std::span(&message, 1))))
                return;
            m_next_audit = message.sequence + 1;
        }
    }

    /// Frames are small and the host reads them at once; one that finds no room for a second is dropped. False then.
    bool send(FrameType type, uint32_t request, std::span<const std::byte> body);
    /// In the world that stopped for good: waits up to a second for an answer, whatever it is.
    void send_exited_polled(const wire::ExitedMessage& message);

private:
    /// A host that is new is told what runs here.
    void greet() {
        if (m_channel->is_host_connected() && m_channel->connection() == m_connection)
            return;
        m_receiver.reset();
        m_next_audit = 0;
        note_open_host(wire::AuditKind::SessionEnded);
        m_role = wire::Role::None;
        if (!m_channel->is_host_connected())
            return;
        m_connection = m_channel->connection();
        m_role = links::all()[m_link].role(links::Channel::Control);
        note_open_host(wire::AuditKind::SessionBegan);
        send_hello(0);
        g_state.greeted.store(true, std::memory_order_release);
    }
    /// False: there is another host now, and what was read last is dropped, for it may be either one's.
    bool serve_connection() {
        for (size_t count; (count = m_channel->read(m_receiver.room())) != 0;) {
            if (links::all()[m_link].guard(links::Channel::Control) != nullptr &&
                m_channel->connection() != m_connection)
                return false;
            m_receiver.add(count);
            auto handle = [this](const FrameHeader& header, std::span<const std::byte> body) {
                handle_frame(header, body);
            };
            if (!m_receiver.take_frames(handle))
                m_receiver.reset(); // what the host sends next has to be a frame's start
        }
        return true;
    }
    void send_hello(uint32_t request) {
        auto message = hello();
        send(FrameType::Hello, request, std::as_bytes(std::span(&message, 1)));
    }
    void send_reply(uint32_t request, const Reply& reply);
    /// A host that needed no key: there was no guard to tell of it.
    void note_open_host(wire::AuditKind kind) const {
        if (m_role == wire::Role::None || links::all()[m_link].guard(links::Channel::Control) != nullptr)
            return;
        wire::AuditMessage message{};
        message.kind = static_cast<uint8_t>(kind);
        message.channel = static_cast<uint8_t>(wire::ChannelKind::Control);
        message.role = static_cast<uint8_t>(m_role);
        trace::audit(message);
    }
    void handle_frame(const FrameHeader& header, std::span<const std::byte> body);

    drivers::ByteChannel* m_channel = nullptr;
    size_t m_link = 0;
    uint32_t m_connection = 0;
    wire::Role m_role = wire::Role::None; ///< of the host on that connection
    uint64_t m_next_audit = 0;            ///< the first message that it has not got
    std::atomic<bool> m_sending{false};
    FrameSender<max_frame> m_sender; ///< of whoever set m_sending
    RequestReceiver m_receiver;
};
constinit Server g_servers[links::max_links];

bool Server::send(FrameType type, uint32_t request, std::span<const std::byte> body) {
    std::byte frame[max_frame];
    FrameHeader header{wire::frame_magic, wire::channel_version, static_cast<uint16_t>(type), request,
                       static_cast<uint32_t>(body.size())};
    std::memcpy(frame, &header, sizeof(header));
    std::memcpy(frame + sizeof(header), body.data(), body.size());
    // One after the other: the control thread's answers and the ending app's last word.
    while (m_sending.exchange(true, std::memory_order_acquire))
        pause();
    Patience patience;
    bool sent = m_sender.send(*m_channel, std::span(frame, sizeof(header) + body.size()),
                              [&patience] { return patience.pause(); });
    m_sending.store(false, std::memory_order_release);
    return sent;
}

void Server::handle_frame(const FrameHeader& header, std::span<const std::byte> body) {
    auto type = static_cast<FrameType>(header.type);
    Reply reply;
    if (!may_request(m_role, type)) {
        wire::AuditMessage refused{};
        refused.kind = static_cast<uint8_t>(wire::AuditKind::RequestRefused);
        refused.channel = static_cast<uint8_t>(wire::ChannelKind::Control);
        refused.role = static_cast<uint8_t>(m_role);
        refused.address = header.type;
        trace::audit(refused);
        reply.error = static_cast<int32_t>(base::Error::NotPermitted);
        send_reply(header.request, reply);
        return;
    }
    if (type == FrameType::Acknowledge) {
        g_state.acknowledged.store(true, std::memory_order_release);
        return;
    }
    if (type == FrameType::QueryHello) {
        send_hello(header.request);
        return;
    }
    reply.error = static_cast<int32_t>(base::Error::NoSystemCall); // of a newer host: answered, not ignored
    for (size_t i = 0; i < g_state.handler_count; ++i) {
        if (g_state.handlers[i].type == type) {
            reply.error = 0;
            g_state.handlers[i].handler({m_link, body}, reply);
        }
    }
    send_reply(header.request, reply);
}

void Server::send_reply(uint32_t request, const Reply& reply) {
    std::byte message[sizeof(wire::ReplyMessage) + Reply::capacity];
    wire::ReplyMessage head{reply.error, 0};
    std::memcpy(message, &head, sizeof(head));
    std::memcpy(message + sizeof(head), reply.body, reply.size);
    send(FrameType::Reply, request, std::span(message).first(sizeof(head) + reply.size));
}

void Server::send_exited_polled(const wire::ExitedMessage& message) {
    constexpr uint32_t stall_ms = 1000;
    struct {
        FrameHeader header;
        wire::ExitedMessage message;
    } frame{{wire::frame_magic, wire::channel_version, static_cast<uint16_t>(FrameType::Exited), 0,
             sizeof(wire::ExitedMessage)},
            message};
    if (!m_channel->polled_write(std::as_bytes(std::span(&frame, 1)), stall_ms))
        return;
    // Whatever the host says now can only be the acknowledgement, or a request that nobody answers any more.
    uint64_t deadline = sched::boottime_ns() + second;
    std::byte answer[sizeof(FrameHeader)];
    while (sched::boottime_ns() < deadline) {
        auto count = m_channel->polled_read(answer);
        if (!count || *count != 0)
            return;
    }
}

void answer_status(const Request&, Reply& reply) {
    wire::StatusMessage status{};
    status.uptime_ns = sched::boottime_ns();
    status.thread_count = sched::scheduler().app_thread_count();
    status.free_pages = memory::physical_memory().free_pages();
    status.total_pages = memory::physical_memory().total_pages();
    if (g_state.fill_status != nullptr)
        g_state.fill_status(status);
    reply.set(status);
}

void run(void*) {
    for (;;) {
        for (auto& server : g_servers) {
            server.serve();
            server.send_audit();
        }
        wait_for_event(sched::no_deadline);
    }
}

} // namespace

void start() {
    bool any = false;
    for (size_t i = 0; i < links::all().size(); ++i) {
        if (auto* channel = links::all()[i].channel(links::Channel::Control)) {
            g_servers[i].open(*channel, i);
            g_state.host_comes_late |= links::all()[i].host_comes_late;
            any = true;
        }
    }
    if (!any)
        return;
    set_handler(FrameType::QueryStatus, answer_status);
    if (auto thread = sched::Thread::create_kernel("control", run, nullptr)) {
        sched::scheduler().start(**thread, sched::Scheduler::Placement::Here);
        g_state.has_thread = true;
    }
}

void tick() {
    if (g_state.has_thread && trace::take_audit_news())
        on_channel_event(nullptr);
}

void wait_until_greeted() {
    auto is_expected = [] {
        return g_state.host_comes_late || std::ranges::any_of(g_servers, [](const Server& s) { return s.has_host(); });
    };
    Patience patience;
    while (g_state.has_thread && !g_state.greeted.load(std::memory_order_acquire) && is_expected() &&
           patience.pause()) {
    }
}

void set_handler(FrameType type, RequestHandler handler) {
    ASSERT(g_state.handler_count < max_handlers);
    g_state.handlers[g_state.handler_count++] = {type, handler};
}

void set_status_source(void (*fill)(wire::StatusMessage& status)) {
    g_state.fill_status = fill;
}

wire::HelloMessage hello() {
    wire::HelloMessage message{};
    auto id = build_id();
    std::memcpy(message.build_id, id.data(), std::min(id.size(), sizeof(message.build_id)));
    message.cpu_count = arch::cpu_count();
    message.tsc_hz = sched::tsc_hz();
    message.tsc_at_epoch_pair = arch::timestamp();
    message.realtime_ns = sched::realtime_ns();
    return message;
}

void send_exited_polled(uint32_t status, uint32_t signal) {
    for (auto& server : g_servers) {
        if (server.has_host())
            server.send_exited_polled({status, signal});
    }
}

void send_exited(uint32_t status, uint32_t signal) {
    wire::ExitedMessage message{status, signal};
    if (g_state.host_comes_late)
        wait_until_greeted(); // an app that is quick ends before the host has come
    g_state.acknowledged.store(false, std::memory_order_relaxed);
    bool any = false;
    for (auto& server : g_servers) {
        if (!server.has_host())
            continue;
        server.send(FrameType::Exited, 0, std::as_bytes(std::span(&message, 1)));
        any = true;
    }
    Patience patience;
    while (any && !g_state.acknowledged.load(std::memory_order_acquire) && patience.pause()) {
    }
}

} // namespace control
