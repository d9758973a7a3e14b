// What a client may do, and serving one that may not stop the world while that runs.

#include <algorithm>

#include "gdbstub/AccessPolicy.h"
#include "gdbstub/Session.h"
#include "libos/base/Assert.h"

namespace gdbstub {

namespace {

constexpr Refusal nothing_here{base::Error::NotPermitted, "This client's role has nothing to do with the debugger."};
constexpr Refusal reads_only{base::Error::NotPermitted,
                             "This client observes: it may not write, stop or resume. That needs the role operator."};
constexpr Refusal needs_non_stop{
    base::Error::NotSupported,
    "This cannot be read while the program runs, and an observer does not stop it: that comes with non-stop mode."};

} // namespace

void Session::set_access(Access access) {
    if (m_client.attached)
        tell_audit([this](Audit& audit) { audit.client_left(m_access); });
    m_access = access;
    m_receiver.reset();
    m_client = {};
    m_caught.clear();
    m_stop_requested = false;
    m_interrupted = false;
}

/// Before anything is done.
Answer<> Session::check_access(const Command& command) {
    const AccessRule& rule = access_rule(command);
    if (m_access < rule.minimum) {
        tell_audit([&](Audit& audit) { audit.refused(rule.what, m_access); });
        return std::unexpected(m_access == Access::Nothing ? nothing_here : reads_only);
    }
    if (m_world_runs && rule.reach == Reach::Reading && m_target.live() == nullptr)
        return std::unexpected(needs_non_stop);
    return {};
}

void Session::serve_running() {
    if (m_access == Access::Control)
        return;
    m_world_runs = true;
    m_link_lost = false;
    m_service_requested = false;
    m_event = {};
    if (m_target.live() != nullptr)
        m_event.thread = visible_thread(0);
    while (m_receiver.holds_packet() && !m_link_lost) {
        process_packet();
        m_receiver.release();
        on_receiver_event(m_receiver.replay());
    }
    if (m_link_lost)
        m_receiver.reset();
    m_world_runs = false;
}

/// Points that a client with control has left, and one without cannot look after: the world goes on without them.
bool Session::drop_points_of_others() {
    bool has_any = std::ranges::any_of(m_points.records(), [](const auto& record) { return !record.left_behind; });
    if (m_access == Access::Control || !has_any)
        return false;
    leave_points();
    m_plan.clear();
    m_plan.outcome = Outcome::Detached;
    bool fits = m_plan.add(ResumePlan::every_thread, {.kind = ResumeKind::Continue});
    ASSERT(fits);
    return true;
}

} // namespace gdbstub
