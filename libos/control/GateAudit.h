#pragma once
// GateAudit: what happens at the gate, for the audit.

#include "libos/auth/Gate.h"

namespace control {

class GateAudit final : public auth::Observer {
public:
    void session_began(const auth::SessionInfo& session) override;
    void session_ended(const auth::SessionInfo& session, auth::SessionEnd why) override;
    void attempt_refused(const auth::RefusedAttempt& attempt) override;
};

extern constinit GateAudit g_gate_audit;

} // namespace control
