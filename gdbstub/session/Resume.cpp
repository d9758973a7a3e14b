// vCont, c, C, s, S; D, k, vKill: the ways out of the stopped world.
// GDB manual, "Packets".

#include "gdbstub/Session.h"
#include "gdbstub/arch/Registers.h"
#include "gdbstub/command/Parser.h"
#include "libos/base/Assert.h"

namespace gdbstub {

Session::Handled Session::handle(const QueryResumeActions&) {
    m_reply.put("vCont;c;C;s;S;t;r");
    return Next::Reply;
}

Session::Handled Session::handle(const Resume& command) {
    if (!parse_resume_actions(command.actions_untrusted, m_plan)) {
        m_plan.clear();
        return refuse(base::Error::Invalid, "The list of actions is malformed or too long.");
    }
    return resume();
}

Session::Handled Session::handle(const ResumeSimply& command) {
    int signal = to_linux_signal(command.gdb_signal_untrusted);
    if (signal < 0)
        return refuse(base::Error::Invalid, "There is no such signal.");
    ThreadId thread = m_event.thread;
    if (m_client.resumed.kind == ThreadSelector::Kind::One)
        thread = m_client.resumed.id;
    if (command.new_pc) {
        if (auto loaded = load_registers(thread); !loaded)
            return std::unexpected(loaded.error());
        arch::set_pc(m_registers, *command.new_pc);
        if (auto stored = store_registers(thread); !stored)
            return std::unexpected(stored.error());
    }
    m_plan.clear();
    bool fits = m_plan.add(thread, {.kind = command.kind, .signal = signal});
    // Hc with one thread means that only this one runs.
    if (m_client.resumed.kind != ThreadSelector::Kind::One)
        fits = fits && m_plan.add(ResumePlan::every_thread, {.kind = ResumeKind::Continue});
    ASSERT(fits);
    return resume();
}

Session::Next Session::resume() {
    m_client.awaits_stop = true;
    return Next::Leave;
}

Session::Handled Session::handle(const Detach&) {
    if (m_access != Access::Control) {
        // It has changed nothing, and nothing changes.
        forget_client();
        m_reply.put("OK");
        return Next::Reply;
    }
    plan_detach();
    m_reply.put("OK");
    return Next::ReplyAndLeave;
}

Session::Handled Session::handle(const Kill& command) {
    bool really = m_target.kill_allowed();
    plan_detach();
    if (really)
        m_plan.outcome = Outcome::Kill;
    if (!command.wants_reply)
        return Next::Leave;
    m_reply.put("OK");
    return Next::ReplyAndLeave;
}

/// All threads continue and nobody is attached any more.
void Session::plan_detach() {
    bool delivers =
        m_event.reason == StopReason::Signal &&
        (!m_client.knows_program_signals || m_client.program_signals.contains(to_gdb_signal(m_event.signal)));
    forget_client();
    m_plan.clear();
    m_plan.outcome = Outcome::Detached;
    bool fits = !delivers || m_plan.add(m_event.thread, {.kind = ResumeKind::Continue, .signal = m_event.signal});
    fits = fits && m_plan.add(ResumePlan::every_thread, {.kind = ResumeKind::Continue});
    ASSERT(fits);
}

/// Whether a step that ended is only one of a range's, so that there is nothing to tell.
bool Session::goes_on_stepping(const StopEvent& event) {
    if (event.reason != StopReason::Step || !m_client.awaits_stop || m_stop_requested)
        return false;
    ResumeAction action = m_plan.action_for(event.thread);
    if (action.kind != ResumeKind::RangeStep || !load_registers(event.thread))
        return false;
    if (!action.keeps_stepping(arch::pc(m_registers)))
        return false;
    m_plan.forget_signals();
    return true;
}

/// After a command that leaves: what has arrived behind it in the meantime may keep the world stopped after all.
bool Session::may_leave() {
    if (m_plan.outcome == Outcome::Kill)
        return true;
    if (m_receiver.holds_packet()) {
        // Nobody waits for a stop: there is a new client.
        m_client.awaits_stop = false;
        return false;
    }
    if (m_plan.outcome == Outcome::Resume && m_interrupted) {
        m_event = {.reason = StopReason::Requested, .thread = m_event.thread, .signal = signals::interrupt};
        report_stop();
        m_client.awaits_stop = false;
        return false;
    }
    return true;
}

} // namespace gdbstub
