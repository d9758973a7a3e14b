#include "libos/control/Control.h"

#include "libos/control/BuildId.h"
#include "libos/memory/PhysicalMemory.h"
#include "libos/sched/Clock.h"
#include "libos/sched/Scheduler.h"

#include <algorithm>
#include <cstring>

namespace control {

namespace {

using wire::FrameHeader;
using wire::FrameType;

constexpr size_t max_request = 1024;
constexpr uint64_t second = 1'000'000'000;
constexpr size_t max_handlers = 16;

struct Registration {
    FrameType type;
    RequestHandler handler;
};

struct State {
    drivers::ConsolePort* port = nullptr;
    sched::SpinLock lock; // event flag; outside the scheduler's
    sched::WaitQueue events;
    bool event = false;
    sched::SpinLock write_lock; // whole frames; outside the port's
    std::atomic<bool> acknowledged{false};
    Registration handlers[max_handlers] = {};
    size_t handler_count = 0;
    void (*fill_status)(wire::StatusMessage&) = nullptr;
};
constinit State g_state;

void on_port_event(void*) {
    {
        sched::SpinLocker locker(g_state.lock);
        g_state.event = true;
    }
    g_state.events.wake_all();
}

/// Until something happened at the port, or `deadline`.
void wait_for_event(sched::Deadline deadline) {
    auto state = g_state.lock.lock();
    while (!g_state.event) {
        if (!g_state.events.wait(g_state.lock, state, deadline))
            break;
    }
    g_state.event = false;
    g_state.lock.unlock(state);
}

/// Frames are small and the host reads them at once; one that finds no room for a second is dropped with its
/// connection.
void send(FrameType type, uint32_t request, std::span<const std::byte> body) {
    std::byte frame[sizeof(FrameHeader) + sizeof(wire::ReplyMessage) + Reply::capacity];
    FrameHeader header{wire::frame_magic, wire::channel_version, static_cast<uint16_t>(type), request,
                       static_cast<uint32_t>(body.size())};
    std::memcpy(frame, &header, sizeof(header));
    std::memcpy(frame + sizeof(header), body.data(), body.size());
    std::span<const std::byte> rest(frame, sizeof(header) + body.size());
    uint64_t deadline = sched::boottime_ns() + second;
    while (!rest.empty() && sched::boottime_ns() < deadline) {
        base::Result<size_t> written = base::fail(base::Error::Again);
        {
            sched::SpinLocker locker(g_state.write_lock);
            written = g_state.port->write_some(rest);
        }
        if (written)
            rest = rest.subspan(*written);
        else if (written.error() != base::Error::Again)
            return;
        else
            arch::relax();
    }
}

/// Collects bytes into whole requests.
class Receiver {
public:
    void reset() { m_size = 0; }
    std::span<std::byte> room() { return std::span(m_buffer).subspan(m_size); }
    void add(size_t count) { m_size += count; }

    /// Calls `handle(header, body)` for each whole frame. False: the stream makes no sense.
    template <typename Handle>
    bool take_frames(Handle handle) {
        size_t at = 0;
        while (m_size - at >= sizeof(FrameHeader)) {
            FrameHeader header;
            std::memcpy(&header, m_buffer + at, sizeof(header));
            if (header.magic != wire::frame_magic || header.version != wire::channel_version ||
                header.length > max_request)
                return false;
            if (m_size - at - sizeof(header) < header.length)
                break;
            handle(header, std::span<const std::byte>(m_buffer + at + sizeof(header), header.length));
            at += sizeof(header) + header.length;
        }
        std::memmove(m_buffer, m_buffer + at, m_size - at);
        m_size -= at;
        return true;
    }

private:
    std::byte m_buffer[sizeof(FrameHeader) + max_request] = {};
    size_t m_size = 0;
};
constinit Receiver g_receiver;

void send_hello(uint32_t request) {
    auto message = hello();
    send(FrameType::Hello, request, std::as_bytes(std::span(&message, 1)));
}

void handle_frame(const FrameHeader& header, std::span<const std::byte> body) {
    auto type = static_cast<FrameType>(header.type);
    if (type == FrameType::Acknowledge) {
        g_state.acknowledged.store(true, std::memory_order_release);
        return;
    }
    if (type == FrameType::QueryHello) {
        send_hello(header.request);
        return;
    }
    Reply reply;
    reply.error = static_cast<int32_t>(base::Error::NoSystemCall); // of a newer host: answered, not ignored
    for (size_t i = 0; i < g_state.handler_count; ++i) {
        if (g_state.handlers[i].type == type) {
            reply.error = 0;
            g_state.handlers[i].handler(body, reply);
        }
    }
    std::byte message[sizeof(wire::ReplyMessage) + Reply::capacity];
    wire::ReplyMessage head{reply.error, 0};
    std::memcpy(message, &head, sizeof(head));
    std::memcpy(message + sizeof(head), reply.body, reply.size);
    send(FrameType::Reply, header.request, std::span(message).first(sizeof(head) + reply.size));
}

void answer_status(std::span<const std::byte>, Reply& reply) {
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
    uint32_t connection = 0;
    for (;;) {
        if (!g_state.port->is_host_connected() || g_state.port->connection() != connection) {
            g_receiver.reset();
            if (g_state.port->is_host_connected()) {
                connection = g_state.port->connection();
                send_hello(0);
            }
        }
        for (size_t count; (count = g_state.port->read(g_receiver.room())) != 0;) {
            g_receiver.add(count);
            if (!g_receiver.take_frames(handle_frame))
                g_receiver.reset(); // what the host sends next has to be a frame's start
        }
        wait_for_event(sched::no_deadline);
    }
}

} // namespace

void start(drivers::VirtioConsole* console) {
    g_state.port = console != nullptr ? console->port(wire::control_port_name) : nullptr;
    if (g_state.port == nullptr)
        return;
    g_state.port->set_event_handler(on_port_event, nullptr);
    set_handler(FrameType::QueryStatus, answer_status);
    if (auto thread = sched::Thread::create_kernel("control", run, nullptr))
        sched::scheduler().start(**thread);
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
    if (g_state.port == nullptr)
        return;
    constexpr uint32_t stall_ms = 1000;
    struct {
        FrameHeader header;
        wire::ExitedMessage message;
    } frame{{wire::frame_magic, wire::channel_version, static_cast<uint16_t>(FrameType::Exited), 0,
             sizeof(wire::ExitedMessage)},
            {status, signal}};
    if (!g_state.port->polled_write(std::as_bytes(std::span(&frame, 1)), stall_ms))
        return;
    // Whatever the host says now can only be the acknowledgement, or a request that nobody answers any more.
    uint64_t deadline = sched::boottime_ns() + second;
    std::byte answer[sizeof(FrameHeader)];
    while (sched::boottime_ns() < deadline) {
        auto count = g_state.port->polled_read(answer);
        if (!count || *count != 0)
            return;
    }
}

void send_exited(uint32_t status, uint32_t signal) {
    if (g_state.port == nullptr || !g_state.port->is_host_connected())
        return;
    wire::ExitedMessage message{status, signal};
    g_state.acknowledged.store(false, std::memory_order_relaxed);
    send(FrameType::Exited, 0, std::as_bytes(std::span(&message, 1)));
    uint64_t deadline = sched::boottime_ns() + second;
    while (!g_state.acknowledged.load(std::memory_order_acquire) && sched::boottime_ns() < deadline)
        (void)sched::scheduler().sleep_until(sched::deadline_after(1'000'000));
}

} // namespace control
