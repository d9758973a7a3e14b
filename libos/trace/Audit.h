#pragma once
// The audit: what is done to the instance from outside, as events in the trace and as messages for the control channel.
//
// The newest messages are kept until the control thread has sent them, and for hosts that come later. Writes of memory
// that follow each other become one.

#include "probes/wire/Audit.h"

#include <string_view>

namespace trace {

inline constexpr size_t audit_capacity = 32;

/// Any context but an NMI; the stopped world too. Sequence and time are filled in.
void audit(wire::AuditMessage message);

/// The oldest message kept whose sequence is at least `from`. False: there is none.
bool find_audit(uint64_t from, wire::AuditMessage& out);

/// True once after each time that something was added.
bool take_audit_news();

/// Cut at the field's end.
void set_text(wire::AuditMessage& message, std::string_view text);

} // namespace trace
