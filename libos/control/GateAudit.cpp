#include "libos/control/GateAudit.h"

#include "libos/trace/Audit.h"

#include <cstring>

namespace control {

namespace {

using wire::AuditKind;

wire::AuditMessage message_of(AuditKind kind, wire::ChannelKind channel, wire::Role role,
                              const auth::EnrolledKey* key) {
    wire::AuditMessage message{};
    message.kind = static_cast<uint8_t>(kind);
    message.channel = static_cast<uint8_t>(channel);
    message.role = static_cast<uint8_t>(role);
    if (key != nullptr) {
        std::memcpy(message.key_id, key->id.data(), sizeof(message.key_id));
        trace::set_text(message, key->name_view());
    }
    return message;
}

} // namespace

constinit GateAudit g_gate_audit;

void GateAudit::session_began(const auth::SessionInfo& session) {
    auto message = message_of(AuditKind::SessionBegan, session.channel, session.role, session.key);
    message.detail = static_cast<uint8_t>(session.protection);
    trace::audit(message);
}

void GateAudit::session_ended(const auth::SessionInfo& session, auth::SessionEnd why) {
    auto message = message_of(AuditKind::SessionEnded, session.channel, session.role, session.key);
    message.detail = static_cast<uint8_t>(why);
    trace::audit(message);
}

void GateAudit::attempt_refused(const auth::RefusedAttempt& attempt) {
    // One that comes while the channel does not listen is no attempt, and there may be many: they would push out what
    // is kept.
    if (attempt.reason == wire::RefuseReason::RateLimited)
        return;
    auto message = message_of(AuditKind::AttemptRefused, attempt.channel, attempt.wanted, attempt.key);
    message.detail = static_cast<uint8_t>(attempt.reason);
    std::memcpy(message.key_id, attempt.key_id.data(), sizeof(message.key_id));
    trace::audit(message);
}

} // namespace control
