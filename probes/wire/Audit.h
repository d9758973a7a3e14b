#pragma once
// What is done to an instance from outside, as it tells its hosts: the body of an Audit frame on the control channel
// (docs/control-protocol.md). All integers are little-endian; what is reserved is 0.

#include "probes/wire/Handshake.h"

#include <cstddef>
#include <cstdint>

namespace wire {

enum class AuditKind : uint8_t {
    SessionBegan = 1,     ///< a host was let in on a channel; detail: Protection
    SessionEnded = 2,     ///< detail: SessionEndReason
    AttemptRefused = 3,   ///< a handshake; role: the one wanted; detail: RefuseReason
    DebuggerAttached = 4, ///< the first packet of a client of the stub
    DebuggerLeft = 5,
    RequestRefused = 6,   ///< text: what the role does not allow; on the control channel address is the FrameType
    MemoryWritten = 7,    ///< address, length
    RegistersWritten = 8, ///< address: the thread
    PointSet = 9,         ///< address; detail: gdb's type, 0 software breakpoint to 4 access watchpoint
    PointRemoved = 10,
    Monitor = 11, ///< text: the command
};

enum class SessionEndReason : uint8_t {
    PeerLeft = 0,
    Forged = 1, ///< bytes came that were not the peer's
    Replaced = 2,
};

struct AuditMessage {
    uint64_t sequence;    ///< from 1; what is missing was not kept
    uint64_t realtime_ns; ///< since 1970, by the instance's clock
    uint8_t kind;         ///< AuditKind
    uint8_t channel;      ///< ChannelKind
    uint8_t role;         ///< Role
    uint8_t detail;
    uint32_t reserved;
    uint64_t address;
    uint64_t length;
    uint8_t key_id[key_id_size]; ///< zeros when no key was shown
    char text[48];               ///< the key's name, or what the kind says; ends at a 0 or at its end
};
static_assert(sizeof(AuditMessage) == 104);

} // namespace wire
