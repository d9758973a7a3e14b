#include "libos/debug/DebugAudit.h"

#include "libos/trace/Audit.h"

namespace debug {

namespace {

using gdbstub::Access;
using wire::AuditKind;

wire::AuditMessage message_of(AuditKind kind, Access access = Access::Control) {
    wire::Role role = access == Access::Control   ? wire::Role::Operator
                      : access == Access::Observe ? wire::Role::Observer
                                                  : wire::Role::None;
    wire::AuditMessage message{};
    message.kind = static_cast<uint8_t>(kind);
    message.channel = static_cast<uint8_t>(wire::ChannelKind::Gdb);
    message.role = static_cast<uint8_t>(role);
    return message;
}

} // namespace

void DebugAudit::client_attached(Access access) {
    trace::audit(message_of(AuditKind::DebuggerAttached, access));
}

void DebugAudit::client_left(Access access) {
    trace::audit(message_of(AuditKind::DebuggerLeft, access));
}

void DebugAudit::refused(std::string_view what, Access access) {
    auto message = message_of(AuditKind::RequestRefused, access);
    trace::set_text(message, what);
    trace::audit(message);
}

void DebugAudit::memory_written(uint64_t address, uint64_t length) {
    auto message = message_of(AuditKind::MemoryWritten);
    message.address = address;
    message.length = length;
    trace::audit(message);
}

void DebugAudit::registers_written(gdbstub::ThreadId thread) {
    auto message = message_of(AuditKind::RegistersWritten);
    message.address = thread;
    trace::audit(message);
}

void DebugAudit::point_changed(bool inserted, unsigned type, uint64_t address) {
    auto message = message_of(inserted ? AuditKind::PointSet : AuditKind::PointRemoved);
    message.detail = static_cast<uint8_t>(type);
    message.address = address;
    trace::audit(message);
}

void DebugAudit::monitor_command(std::string_view command) {
    auto message = message_of(AuditKind::Monitor);
    trace::set_text(message, command);
    trace::audit(message);
}

} // namespace debug
