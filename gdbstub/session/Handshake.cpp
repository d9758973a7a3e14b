// qSupported, qAttached, QStartNoAckMode, QPassSignals, QProgramSignals: GDB manual, "General Query Packets".

#include <array>

#include "gdbstub/Session.h"
#include "gdbstub/command/Scanner.h"
#include "gdbstub/session/Transfer.h"

namespace gdbstub {

namespace {

bool always(Target&) {
    return true;
}

/// What this stub can do, beyond the objects of Transfer.cpp.
struct StubFeature {
    std::string_view text;
    bool (*is_offered)(Target& target);
};
constexpr std::array stub_features = {
    StubFeature{"QStartNoAckMode+", always},
    StubFeature{"multiprocess+", always},
    StubFeature{"vContSupported+", always},
    StubFeature{"binary-upload+", always},
    StubFeature{"error-message+", always},
    StubFeature{"QPassSignals+", always},
    StubFeature{"QProgramSignals+", always},
    StubFeature{"QAllow+", always},
    StubFeature{"QCatchSyscalls+", [](Target& target) { return target.reports_system_calls(); }},
    StubFeature{"qXfer:siginfo:write+", [](Target& target) { return target.signal_info() != nullptr; }},
    StubFeature{"swbreak+", [](Target& target) { return target.breakpoints() != nullptr; }},
    StubFeature{"hwbreak+",
                [](Target& target) {
                    return target.hardware_points() != nullptr &&
                           target.hardware_points()->supports(PointKind::Execute);
                }},
};

} // namespace

Session::Handled Session::handle(const QuerySupported& command) {
    m_client.asked_supported = true;
    m_client.sends_heartbeats = false; // what was heard before may have been another's
    for (Scanner scanner(command.features); !scanner.at_end(); scanner.accept(';')) {
        std::string_view feature = scanner.until(";");
        if (feature == "swbreak+")
            m_client.knows_swbreak = true;
        else if (feature == "hwbreak+")
            m_client.knows_hwbreak = true;
        else if (feature == "error-message+")
            m_client.knows_error_text = true;
        else if (feature == "multiprocess+")
            m_client.knows_processes = true;
    }
    m_reply.put("PacketSize=").number(m_packet_size);
    bool reads = !m_world_runs || m_target.live() != nullptr;
    for (const StubFeature& feature : stub_features)
        if (feature.is_offered == always || (reads && feature.is_offered(machine())))
            m_reply.put(';').put(feature.text);
    if (evaluates_expressions())
        m_reply.put(";ConditionalBreakpoints+;BreakpointCommands+");
    for (const TransferObject& object : transfer_objects())
        if (reads && object.is_offered(machine()))
            m_reply.put(";qXfer:").put(object.name).put(":read+");
    return Next::Reply;
}

/// 1: the app was there before gdb, so that gdb detaches when it quits, rather than kill.
Session::Handled Session::handle(const QueryAttached&) {
    m_reply.put('1');
    return Next::Reply;
}

Session::Handled Session::handle(const StartNoAckMode&) {
    m_client.no_ack = true;
    m_reply.put("OK");
    return Next::Reply;
}

Session::Handled Session::handle(const SetSignals& command) {
    SignalSet set;
    Scanner scanner(command.list_untrusted);
    while (!scanner.at_end()) {
        auto signal_untrusted = scanner.hex();
        if (!signal_untrusted || *signal_untrusted >= gdb_signal_count)
            return refuse(base::Error::Invalid, "The list of signals is malformed.");
        set.add(*signal_untrusted);
        if (!scanner.at_end() && !scanner.accept(';'))
            return refuse(base::Error::Invalid, "The list of signals is malformed.");
    }
    if (command.set == SetSignals::Set::Pass) {
        m_client.pass_signals = set;
    } else {
        m_client.program_signals = set;
        m_client.knows_program_signals = true;
    }
    m_reply.put("OK");
    return Next::Reply;
}

} // namespace gdbstub
