#pragma once
// Who may ask for what on the control channel: the lowest role for each request. One table.

#include "probes/wire/Channel.h"
#include "probes/wire/Handshake.h"

#include <array>

namespace control {

struct FrameAccess {
    wire::FrameType type;
    wire::Role minimum;
};

/// What a host sends, in the order of wire::FrameType. A tracer's requests concern traces and counters; all else needs
/// an operator.
inline constexpr std::array frame_access = {
    FrameAccess{wire::FrameType::QueryHello, wire::Role::Tracer},
    FrameAccess{wire::FrameType::QueryStatus, wire::Role::Tracer},
    FrameAccess{wire::FrameType::RecordStart, wire::Role::Tracer},
    FrameAccess{wire::FrameType::RecordStop, wire::Role::Tracer},
    FrameAccess{wire::FrameType::Snapshot, wire::Role::Tracer},
    FrameAccess{wire::FrameType::ProbeEnable, wire::Role::Tracer},
    // Lets the instance power off: who has not read the exit status may not say so.
    FrameAccess{wire::FrameType::Acknowledge, wire::Role::Operator},
};

/// An operator may ask for what is in no table: it is told that there is no such request. Others may not.
constexpr bool may_request(wire::Role role, wire::FrameType type_untrusted) {
    for (const FrameAccess& row : frame_access) {
        if (row.type == type_untrusted)
            return role >= row.minimum;
    }
    return role >= wire::Role::Operator;
}

} // namespace control
