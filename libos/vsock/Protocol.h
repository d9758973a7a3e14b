#pragma once
// The constants of the vsock protocol: Virtual I/O Device 1.2, section 5.10.6; the reserved addresses also in vsock(7).

#include "libos/drivers/SocketDevice.h"

#include <cstdint>

namespace vsock {

using drivers::SocketPacketHeader;

inline constexpr uint16_t type_stream = 1;

enum Operation : uint16_t {
    Request = 1,
    Response = 2,
    Reset = 3,
    Shutdown = 4,
    Data = 5, // "RW"
    CreditUpdate = 6,
    CreditRequest = 7,
};

/// Ends of a connection that are shut, from the view of who says so; the flags of a Shutdown packet.
enum Shut : uint8_t { ShutReceive = 1, ShutSend = 2, ShutBoth = 3 };

inline constexpr uint32_t any_cid = UINT32_MAX;
inline constexpr uint32_t host_cid = 2;
inline constexpr uint32_t any_port = UINT32_MAX;
/// Up to here a port is asked for by number.
inline constexpr uint32_t last_reserved_port = 1023;

} // namespace vsock
