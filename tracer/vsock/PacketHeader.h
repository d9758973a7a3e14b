#pragma once
// The header of every virtio-vsock packet, as it lies in a buffer of the rx or tx virtqueue.
// Virtual I/O Device 1.2, 5.10.6 "Device Operation".

#include <bit>
#include <cstdint>

namespace tracer::vsock {

static_assert(std::endian::native == std::endian::little, "virtio 1.x is little-endian, and nothing here swaps bytes");

enum class Operation : uint16_t {
    Invalid = 0,
    Request = 1,
    Response = 2,
    Reset = 3,
    Shutdown = 4,
    ReadWrite = 5,
    CreditUpdate = 6,
    CreditRequest = 7,
};

/// Bits of PacketHeader::flags in a Shutdown: what its sender will not do any more.
inline constexpr uint32_t shutdown_receive = 1;
inline constexpr uint32_t shutdown_send = 2;
inline constexpr uint32_t shutdown_both = shutdown_receive | shutdown_send;

/// The only type of socket that this device has.
inline constexpr uint16_t stream_type = 1;

inline constexpr uint64_t host_cid = 2;
/// The least and the greatest context id that a guest may have: 0, 1 and 2 are taken, and so is 2^32 - 1.
inline constexpr uint64_t min_guest_cid = 3;
inline constexpr uint64_t max_guest_cid = 0xfffffffe;

struct [[gnu::packed]] PacketHeader {
    uint64_t source_cid = 0;
    uint64_t destination_cid = 0;
    uint32_t source_port = 0;
    uint32_t destination_port = 0;
    uint32_t length = 0; ///< of the payload that follows, bytes
    uint16_t type = stream_type;
    uint16_t operation = 0;
    uint32_t flags = 0;
    uint32_t buffer_size = 0; ///< of the sender's receive buffer, bytes
    uint32_t forwarded = 0;   ///< bytes that have left the sender's receive buffer, modulo 2^32

    bool is(Operation wanted) const { return operation == static_cast<uint16_t>(wanted); }
};
static_assert(sizeof(PacketHeader) == 44);

} // namespace tracer::vsock
