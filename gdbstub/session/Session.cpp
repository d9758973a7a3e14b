// Layer 3: the loop that serves gdb while the world is stopped, acknowledgements, and the beginning and end of a
// client.

#include "gdbstub/Session.h"

#include <array>

#include "gdbstub/command/Parser.h"

namespace gdbstub {

void Session::feed(std::span<const uint8_t> bytes) {
    for (uint8_t byte : bytes) {
        bool wanted = false;
        switch (m_receiver.push(byte)) {
        case PacketReceiver::Event::Packet:
            wanted = true;
            break;
        case PacketReceiver::Event::Interrupt:
            // A stray 0x03 on a line that nobody uses must not stop a service.
            wanted = m_interrupted = m_client.awaits_stop && m_client.permissions.has(Permission::Stop);
            break;
        case PacketReceiver::Event::Heartbeat:
            m_client.sends_heartbeats = true;
            break;
        default:
            break;
        }
        if (m_access != Access::Control) {
            if (m_receiver.holds_packet() && !m_service_requested) {
                m_service_requested = true;
                m_target.request_service();
            }
            continue;
        }
        if (wanted && !m_stop_requested) {
            m_stop_requested = true;
            m_target.request_stop();
        }
    }
}

const ResumePlan& Session::run_stopped(const StopEvent& event) {
    if (goes_on_stepping(event))
        return m_plan;
    m_event = event;
    m_event.thread = visible_thread(event.thread);
    m_plan.clear();
    m_link_lost = false;
    if (uint8_t error = m_agent_error.exchange(0, std::memory_order_relaxed); error != 0)
        remember({base::Error::Invalid, agent::describe(static_cast<agent::Error>(error))});
    if (drop_points_of_others())
        return m_plan;

    // gdb sends nothing but Ctrl-C while it waits for a stop: a packet comes from somebody who does not wait.
    bool reports = m_client.awaits_stop && !m_receiver.holds_packet();
    if (m_stop_requested && event.reason == StopReason::Step)
        m_event.reason = StopReason::Requested;
    if (m_event.reason == StopReason::Requested)
        m_event.signal = reports ? signals::interrupt : signals::trap;
    else if (m_event.reason != StopReason::Signal)
        m_event.signal = signals::trap;
    if (reports)
        report_stop();
    m_client.awaits_stop = false;
    m_stop_requested = false;
    m_interrupted = false;
    serve();
    return m_plan;
}

void Session::report_exit(uint8_t status) {
    report_end('W', status);
}

void Session::report_termination(int signal) {
    report_end('X', to_gdb_signal(signal));
}

void Session::report_end(char kind, uint8_t number) {
    if (m_client.awaits_stop) {
        m_reply.clear();
        m_reply.put(kind).hex_byte(number);
        if (m_client.knows_processes)
            m_reply.put(";process:").number(process_id);
        send();
    }
    // The app's text is gone, and its breakpoints with it.
    m_points.clear();
    forget_client();
    m_stop_requested = false;
}

bool Session::attached() const {
    return m_client.attached && m_access == Access::Control;
}

bool Session::stops_for_signal(int signal) const {
    return attached() && !m_client.pass_signals.contains(to_gdb_signal(signal));
}

void Session::serve() {
    for (;;) {
        if (m_link_lost) {
            m_receiver.reset();
            if (m_access == Access::Control) {
                plan_detach();
                return;
            }
            // It could not have let the world go on, so neither can its leaving: the next one is waited for.
            forget_client();
            m_link_lost = false;
            m_transport.idle();
        }
        if (m_receiver.holds_packet()) {
            bool leaving = process_packet();
            m_receiver.release();
            on_receiver_event(m_receiver.replay());
            if (leaving && !m_link_lost && may_leave())
                return;
        } else {
            m_link_lost = !receive();
        }
    }
}

/// False if the link is gone.
bool Session::receive() {
    std::array<uint8_t, 256> bytes;
    auto count = m_transport.read(bytes);
    if (!count)
        return false;
    if (*count == 0)
        m_transport.idle();
    for (uint8_t byte : std::span(bytes).first(*count))
        on_receiver_event(m_receiver.push(byte));
    return true;
}

void Session::on_receiver_event(PacketReceiver::Event event) {
    for (; event != PacketReceiver::Event::None; event = m_receiver.replay()) {
        switch (event) {
        case PacketReceiver::Event::BadPacket:
            if (!m_client.no_ack)
                acknowledge(false);
            break;
        case PacketReceiver::Event::Rejected:
            if (!m_client.no_ack && !m_reply.frame_again().empty() && !m_transport.write(m_reply.frame_again()))
                m_link_lost = true;
            break;
        case PacketReceiver::Event::Interrupt:
            m_interrupted = true;
            break;
        case PacketReceiver::Event::Heartbeat:
            m_client.sends_heartbeats = true;
            break;
        case PacketReceiver::Event::Packet:
            return;
        case PacketReceiver::Event::Acknowledged:
        case PacketReceiver::Event::None:
            break;
        }
    }
}

/// True if the world is to be left.
bool Session::process_packet() {
    m_interrupted = false;
    m_reply.clear();
    std::span<const uint8_t> bytes = m_receiver.packet();
    Command command = parse_command({reinterpret_cast<const char*>(bytes.data()), bytes.size()});

    // A client asks each of these once: the second time, it is another one, which begins with acknowledgements.
    bool is_new_client = (std::holds_alternative<QuerySupported>(command) && m_client.asked_supported) ||
                         (std::holds_alternative<StartNoAckMode>(command) && m_client.no_ack);
    if (is_new_client)
        forget_client();
    if (m_refuses_stale) {
        bool introduces_itself =
            std::holds_alternative<QuerySupported>(command) || std::holds_alternative<StartNoAckMode>(command);
        if (!introduces_itself && !std::holds_alternative<Detach>(command))
            return refuse_stale();
        m_refuses_stale = !introduces_itself;
    }
    if (!m_client.attached)
        tell_audit([this](Audit& audit) { audit.client_attached(m_access); });
    m_client.attached = true;
    m_acknowledge_due = !m_client.no_ack;

    Handled handled = refuse(base::Error::TooBig, "The packet is longer than the stub's buffer.");
    if (auto allowed = check_access(command); !allowed)
        handled = std::unexpected(allowed.error());
    else if (auto permitted = check_permission(command); !permitted)
        handled = std::unexpected(permitted.error());
    else if (!m_receiver.packet_too_long())
        handled = std::visit([this](const auto& known) { return handle(known); }, command);
    return finish(handled);
}

/// A client that was given up speaks again.
bool Session::refuse_stale() {
    m_acknowledge_due = true;
    m_client.knows_error_text = m_stale_knows_error_text;
    (void)finish(refuse(base::Error::NoSuchProcess,
                        "This debugger's heartbeats stopped, and the target went on without it. Attach again."));
    plan_detach();
    return true;
}

bool Session::finish(const Handled& handled) {
    if (!handled) {
        remember(handled.error());
        m_reply.error(static_cast<uint8_t>(handled.error().error),
                      m_client.knows_error_text ? handled.error().reason : std::string_view{});
        send();
        return false;
    }
    switch (*handled) {
    case Next::Unsupported:
        m_reply.clear();
        send();
        return false;
    case Next::Reply:
        send();
        return false;
    case Next::ReplyAndLeave:
        send();
        return true;
    case Next::NoReply:
    case Next::Leave:
        m_reply.clear();
        if (m_acknowledge_due)
            acknowledge(true);
        m_acknowledge_due = false;
        return *handled == Next::Leave;
    }
    return false;
}

/// The reply, and before it the acknowledgement if one is due.
void Session::send() {
    if (!m_transport.write(m_reply.frame(m_acknowledge_due)))
        m_link_lost = true;
    m_acknowledge_due = false;
}

void Session::acknowledge(bool accepted) {
    uint8_t answer = accepted ? '+' : '-';
    if (!m_transport.write({&answer, 1}))
        m_link_lost = true;
}

void Session::forget_client() {
    if (!m_world_runs)
        leave_points();
    if (m_client.uses_files)
        files()->close_all();
    if (m_client.attached)
        tell_audit([this](Audit& audit) { audit.client_left(m_access); });
    m_client = {};
    m_caught.clear();
}

Session::Handled Session::handle(const Malformed&) {
    return refuse(base::Error::Invalid, "The packet is malformed.");
}

void Session::remember(const Refusal& refusal) {
    m_refusal_length = 0;
    for (char c : refusal.reason)
        if (m_refusal_length < sizeof(m_refusal))
            m_refusal[m_refusal_length++] = c;
}

} // namespace gdbstub
