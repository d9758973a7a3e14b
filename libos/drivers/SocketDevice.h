#pragma once
// SocketDevice: what the vsock protocol (libos/vsock) needs of the device that carries its packets: virtio-vsock's
// rings in the image, a scripted peer in tests. Virtual I/O Device 1.2, section 5.10.
//
// No lock inside: all calls but set_event_handler() are made under the protocol's one lock, or in the stopped world.
// Nothing here waits, allocates or calls back with that lock held.

#include "libos/base/Result.h"
#include "libos/memory/PageAllocator.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace drivers {

/// struct virtio_vsock_hdr, section 5.10.6: little-endian, 44 bytes. What came from the device is untrusted.
struct [[gnu::packed]] SocketPacketHeader {
    uint64_t source_cid;
    uint64_t destination_cid;
    uint32_t source_port;
    uint32_t destination_port;
    uint32_t length; ///< of the payload
    uint16_t type;
    uint16_t operation;
    uint32_t flags;
    uint32_t buffer_size; ///< "buf_alloc": receive buffer of the sender of this packet
    uint32_t forwarded;   ///< "fwd_cnt": bytes that have left that buffer, ever, modulo 2^32
};
static_assert(sizeof(SocketPacketHeader) == 44);

class SocketDevice {
public:
    SocketDevice(const SocketDevice&) = delete;
    SocketDevice& operator=(const SocketDevice&) = delete;

    /// The most payload that one packet may have, by agreement of all implementations.
    static constexpr uint32_t max_payload = 64 * 1024;

    /// Called in interrupt context, without a lock, when packets came or went or the transport was reset: rearm() has
    /// to follow. Once, before use.
    using EventHandler = void (*)(void* context);
    virtual void set_event_handler(EventHandler handler, void* context) = 0;
    /// Whether nothing calls the event handler: no interrupt could be had.
    virtual bool needs_polling() const = 0;

    /// The address of this instance. May be another one after a reset of the transport.
    virtual uint64_t local_cid() const = 0;

    struct Packet {
        SocketPacketHeader header;          ///< a copy
        std::span<const std::byte> payload; ///< the device's memory, as many bytes as it says it wrote
    };
    /// The next packet, valid until release_received(), which has to follow.
    virtual std::optional<Packet> receive() = 0;
    virtual void release_received() = 0;
    /// Whether the device said, since the last call, that all connections are gone.
    virtual bool take_transport_reset() = 0;

    /// How many packets send() takes now.
    virtual size_t room() const = 0;
    /// Queues a packet: the header is copied, the payload belongs to the device until take_sent() gives `token` back.
    /// Error::Again without room, Error::Io when broken.
    virtual base::Result<> send(const SocketPacketHeader& header, memory::PhysicalAddress payload, uint32_t length,
                                void* token) = 0;
    /// The token of a packet that the device is done with, in any order.
    virtual std::optional<void*> take_sent() = 0;

    /// Tells the device what was queued and released since the last call, if it wants to know.
    virtual void notify() = 0;
    /// The end of a round: the event handler is called for the next packet that comes. True: something is there
    /// already, and there may be no call for it.
    virtual bool rearm() = 0;
    /// Whether the event handler is to be called when sent packets are done: perhaps not for the first of those that
    /// are out, but by the last. True: so many are already.
    virtual bool want_sent(bool wanted) = 0;
    /// The device lied; nothing comes or goes any more.
    virtual bool is_broken() const = 0;

protected:
    constexpr SocketDevice() = default;
    ~SocketDevice() = default;
};

} // namespace drivers
