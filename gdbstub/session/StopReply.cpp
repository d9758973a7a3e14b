// `?` and the stop reply: GDB manual, "Stop Reply Packets".

#include "gdbstub/Session.h"
#include "gdbstub/arch/Registers.h"

namespace gdbstub {

namespace {

std::string_view watchpoint_name(PointKind kind) {
    switch (kind) {
    case PointKind::Read:
        return "rwatch";
    case PointKind::Access:
        return "awatch";
    case PointKind::Write:
    case PointKind::Execute:
        break;
    }
    return "watch";
}

} // namespace

Session::Handled Session::handle(const QueryStopReason&) {
    write_stop_reply();
    return Next::Reply;
}

void Session::report_stop() {
    m_reply.clear();
    write_stop_reply();
    send();
}

void Session::write_stop_reply() {
    // gdb takes the thread of a stop for selected, as if it had sent Hg.
    m_client.general = {};
    m_reply.put('T').hex_byte(to_gdb_signal(m_event.signal));
    switch (m_event.reason) {
    case StopReason::SoftwareBreakpoint:
        if (m_client.knows_swbreak)
            m_reply.put("swbreak:;");
        break;
    case StopReason::HardwareBreakpoint:
        if (m_client.knows_hwbreak)
            m_reply.put("hwbreak:;");
        break;
    case StopReason::Watchpoint:
        m_reply.put(watchpoint_name(m_event.point)).put(':');
        m_reply.number(m_event.address).put(';');
        break;
    case StopReason::SystemCallEntry:
        m_reply.put("syscall_entry:").number(m_event.system_call).put(';');
        break;
    case StopReason::SystemCallReturn:
        m_reply.put("syscall_return:").number(m_event.system_call).put(';');
        break;
    case StopReason::Requested:
    case StopReason::Signal:
    case StopReason::Step:
        break;
    }
    // Expedited registers spare gdb a round trip at each stop.
    if (load_registers(m_event.thread)) {
        for (uint16_t number : arch::expedited_registers) {
            if (m_registers.is_unavailable(number))
                continue;
            m_reply.hex_byte(static_cast<uint8_t>(number)).put(':');
            write_register_value(number);
            m_reply.put(';');
        }
    }
    m_reply.put("thread:");
    put_thread(m_event.thread);
    m_reply.put(';');
    if (auto thread = machine().thread(m_event.thread); thread && thread->cpu >= 0)
        m_reply.put("core:").number(static_cast<unsigned>(thread->cpu)).put(';');
}

} // namespace gdbstub
