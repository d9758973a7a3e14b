#pragma once
// VirtioSocket: a virtio-vsock device (Virtual I/O Device 1.2, section 5.10): its three queues, and nothing of the
// protocol.
//
// Receiving has `receive_count` buffers, each a header and a page; sending has room for headers, the payload is the
// caller's memory. Each packet is two descriptors, header and payload: implementations that know no other framing
// exist. Memory: about 300 KiB, from start() on for ever.

#include "libos/drivers/SocketDevice.h"
#include "libos/drivers/VirtQueue.h"
#include "libos/drivers/VirtioTransport.h"

#include <atomic>

namespace drivers {

class VirtioSocket final : public SocketDevice {
public:
    /// Both outlive the device.
    VirtioSocket(Platform& platform, VirtioTransport& transport)
        : m_platform(platform)
        , m_transport(transport) {}

    /// Once, in thread context. Even when it fails the object has to stay where it is: an interrupt may still come.
    base::Result<> start();

    void set_event_handler(EventHandler handler, void* context) override;
    bool needs_polling() const override { return m_needs_polling; }
    uint64_t local_cid() const override { return m_cid; }
    std::optional<Packet> receive() override;
    void release_received() override;
    bool take_transport_reset() override;
    size_t room() const override;
    base::Result<> send(const SocketPacketHeader& header, PhysicalAddress payload, uint32_t length,
                        void* token) override;
    std::optional<void*> take_sent() override;
    void notify() override;
    bool rearm() override;
    bool want_sent(bool wanted) override;
    bool is_broken() const override { return m_receive.is_broken() || m_transmit.is_broken() || m_events.is_broken(); }

    /// Buffers that came back without a whole header.
    uint32_t malformed_packets() const { return m_malformed; }

private:
    static constexpr unsigned receive_count = VirtQueue::max_size / 2;
    static constexpr unsigned event_count = 4;
    static constexpr uint32_t payload_size = 4096;
    static constexpr uint32_t header_stride = 64; // no two headers in one cache line
    static constexpr unsigned headers_per_page = 4096 / header_stride;
    static constexpr unsigned transmit_count = 2 * headers_per_page; // packets without payload are one descriptor

    base::Result<> set_up();
    base::Result<> read_cid();
    base::Result<> post_receive(unsigned buffer);
    base::Result<> post_event(unsigned buffer);
    static void on_interrupt(void* context);

    Platform& m_platform;
    VirtioTransport& m_transport;
    bool m_needs_polling = false;
    uint64_t m_cid = 0;
    // Written once, read by interrupts: the context is in place before the handler is seen.
    std::atomic<EventHandler> m_handler{nullptr};
    void* m_context = nullptr;

    VirtQueue m_receive;
    VirtQueue m_transmit;
    VirtQueue m_events;

    PhysicalAddress m_receive_headers = 0; // one page
    PhysicalAddress m_payloads[receive_count] = {};
    uint8_t m_receive_buffer[VirtQueue::max_size] = {}; // by buffer number
    unsigned m_received = 0;                            // the buffer that receive() gave out
    bool m_posted = false;                              // since the last notify()
    uint32_t m_malformed = 0;
    PhysicalAddress m_event_page = 0;
    uint8_t m_event_buffer[VirtQueue::max_size] = {}; // by buffer number

    PhysicalAddress m_transmit_headers[transmit_count / headers_per_page] = {};
    uint8_t m_free_headers[transmit_count] = {}; // a stack
    unsigned m_free_header_count = 0;
    struct Sent {
        void* token;
        uint8_t header;
    };
    Sent m_sent[VirtQueue::max_size] = {}; // by buffer number
    bool m_queued = false;                 // since the last notify()
};

} // namespace drivers
